"""Where work is done that can be shared out: in line, in processes of this machine, or on a Spark cluster. A task is
anything that pickles; what it is about is not known here.
"""
