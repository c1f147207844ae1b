# SPDX-License-Identifier: Apache-2.0
"""Who is let in by a certificate and who is not: chains, revocation lists and their ways, OCSP."""
