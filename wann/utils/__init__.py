"""What any package may need and nothing here depends on the search.

In reading order:

    arrays      types of arrays
    seeding     randomness by its address
    files       files written aside and renamed into place
    reading     files read with care: sizes, kinds, schemas, messages
    json_text   JSON written to be read by people
    at_once     the end of the process at once
    signals     stopping cleanly on a signal
    nearest     the nearest valid name
    words       numbers in words
    plain_text  text from elsewhere, which must not act
    terminal    the console of tables and progress
    callbacks   types of functions that callers hand in
    places      default places of files
    one_thread  PyTorch on one thread
"""
