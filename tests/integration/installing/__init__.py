# SPDX-License-Identifier: Apache-2.0
"""From a machine to a part of a site: packages, setup, joining, certificates by ACME, renewal and withdrawal."""
