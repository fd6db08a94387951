"""Champions in other programs' formats.

In reading order:

    paper         files of the reference implementation
    neat_python   neat-python
    observations  observations that an export is checked on
    export_plan   a network in the form that every export is written from
    plain_json    JSON
    source_code   Python, C and JavaScript
    onnx_graph    ONNX
    runners       running an export, to check it
    export        `export`
"""
