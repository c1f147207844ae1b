# SPDX-License-Identifier: Apache-2.0
"""Who is let in by a token and who is not: the site's own, those of identity providers, the keys behind them."""
