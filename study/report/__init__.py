"""What a paper says of a study, from facts alone: methods, participant flow, tables, figures, limitations.

`facts` reads the rows once; `methods`, `tables` and `limitations` put them into words; the page and the LaTeX
are two ways to write the same document.
"""
