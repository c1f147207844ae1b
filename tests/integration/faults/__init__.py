# SPDX-License-Identifier: Apache-2.0
"""What breaks in a whole site, how it is told, and the way back to health by the words that were told."""
