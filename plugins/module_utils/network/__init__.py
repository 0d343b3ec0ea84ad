# Copyright: the Weft authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host's network interfaces: what is wished, what is, and a change that undoes itself unless it is confirmed.

`description` is what an operator writes, `problems` what stands against it, `links` and `ovs` what the host has,
`networkd` the files that make it so. `plan` puts the difference together, `checkpoint` carries it out. All but the
last are pure: they take what was observed as plain values.
"""
