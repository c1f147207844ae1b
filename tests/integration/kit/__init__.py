# SPDX-License-Identifier: Apache-2.0
"""What the integration tests share: a site of real programs, a PKI made for the run, devices, raw HTTP clients."""
