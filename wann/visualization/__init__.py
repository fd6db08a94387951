"""Drawings, curves and films.

In reading order:

    theme               colours, text and saving
    layout              places of the nodes
    crossings           order of the nodes of a layer
    spacing             places pushed apart
    genome_graph        the expressed network as a graph
    input_image         inputs that are the pixels of an image
    drawing_room        the size of a network beside its names
    diagram             a network laid out
    legend              legends
    network_figure      a network
    development         a run's champions side by side
    curves              learning curves and profiles
    group_curves        learning curves of several runs
    residuals           a run that predicts numbers
    sensitivity_figure  sensitivity
    lit_diagram         a network lit up by an episode
    film                pictures to a film
    replay              an episode beside its network
"""
