# SPDX-License-Identifier: Apache-2.0
"""What goes through for who was let in: the main job, servers inside, WebSockets, names and server certificates."""
