"""The search as ask and tell: what Gaier and Ha (2019) describe in section 3, and what this project adds.

In reading order:

    innovation      which structure has which number
    variation       mutations and crossover
    shared_weights  the weights of a generation
    ranking         Pareto fronts and the total order
    selection       parents by tournament or lexicase
    evolution       population, elites, children, champion
"""
