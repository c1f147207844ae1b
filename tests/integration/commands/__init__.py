# SPDX-License-Identifier: Apache-2.0
"""The administrator's and the developer's commands: analyzer, choices, planner, status, and what pages promise of them."""
