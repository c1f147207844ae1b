# SPDX-License-Identifier: Apache-2.0
"""The management point and its store: registration, policy, settings, administration."""
