"""Speed of Dure beside that of the raw engine, in one run on one machine: `make bench`.

Nothing here asserts a time: figures are printed beside their targets. They are worth as
much as the machine was quiet.
"""
