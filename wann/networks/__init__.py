"""The genome, which evolves, and the network, which computes.

In reading order:

    genome   node and connection genes, no weight anywhere
    network  the compiled phenotype and its forward pass
"""
