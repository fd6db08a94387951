"""Pages of a run for a browser.

In reading order:

    render        from data to one HTML file
    network_data  networks as data of a page
    clips         short films
    report        the page of a run
    server        serving a page
    watch         the page of a run under way
    recorder      an environment filmed as it is played
    player        a champion that plays
    play          the page on which it does
"""
