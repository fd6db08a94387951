"""Measurements of champions.

In reading order:

    scorecard    returns at shared weights
    classifier   accuracy of classifiers, ensembles too
    regressor    errors of predicted numbers
    achievement  what a champion does, in words
    variants     a network with parts left out
    sensitivity  how much each connection matters
    prune        connections removed
    paper_table  the paper's table
    several      runs that differ in the seed: intervals and a rank test
"""
