# SPDX-License-Identifier: Apache-2.0
"""What strangers, devices and a broken-into gateway try, and what it costs them and us."""
