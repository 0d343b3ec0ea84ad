"""Documents of Kube-OVN's 1.15 manual, named by their section, and beside each what comes of it.

A document is applied with kubectl as it stands. The first lines say what it is for, and which others come before it
(`# Given:`). What it changes is compared with the file of the same name that ends in `.txt`; `WEFT_GOLDEN=write` writes
these files, to be reviewed as text.
"""
