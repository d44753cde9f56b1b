"""A report as LaTeX: one zip with the text, its tables, its figures as PDF and its references.

It asks for packages that every installation of LaTeX has, and compiles with pdflatex as it stands.
"""

import io
from collections.abc import Iterator, Mapping
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from study.models import Study
from study.preregistration import EPOCH, PERMISSIONS, UNIX
from study.report import plates, references
from study.report.document import Cite, Document, Items, Paragraph, Plate, Table
from study.report.escaping import escaped

PREAMBLE = r"""\documentclass[11pt,a4paper]{article}
\usepackage[utf8]{inputenc}
\usepackage[margin=2.5cm]{geometry}
\usepackage{array,booktabs,longtable,graphicx}
\usepackage[hidelinks]{hyperref}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.5\baselineskip}
\setlength{\tabcolsep}{3pt}
\setlength{\LTcapwidth}{\linewidth}
\renewcommand{\arraystretch}{1.15}
\emergencystretch=3em
\newcolumntype{L}[1]{>{\raggedright\arraybackslash}p{#1\linewidth}}
\newcolumntype{R}[1]{>{\raggedleft\arraybackslash}p{#1\linewidth}}
"""
README = """{title}

report.tex      the report: pdflatex report.tex, twice, makes report.pdf
figures/        its figures
references.bib  its references for BibTeX, should you take text over into a manuscript of your own

Characters that LaTeX has no letter for stand as their number in Unicode, as [U+7FC5]. {made}
"""
GAP = 0.0135
"""Between two columns, as a share of the line: twice \\tabcolsep."""
MOST_FLOATS = 10
"""Figures that LaTeX may hold back before it has to print them."""


def bundle(study: Study, content: Mapping[str, Any] | None, document: Document) -> bytes:
    """The zip. `content`: the findings that the figures are drawn of."""
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, data in _files(study, content, document):
            entry = ZipInfo(name, EPOCH)
            entry.external_attr, entry.create_system, entry.compress_type = PERMISSIONS, UNIX, ZIP_DEFLATED
            archive.writestr(entry, data)
    return out.getvalue()


def tex(document: Document) -> str:
    parts = [
        PREAMBLE,
        rf"\title{{{escaped(document.title)}}}",
        r"\date{}",
        r"\begin{document}",
        r"\maketitle",
    ]
    parts += [rf"\textbf{{{escaped(note)}}}" + "\n" for note in document.notes]
    drawn = 0
    for section in document.sections:
        parts.append(rf"\section{{{escaped(section.heading)}}}")
        for block in section.blocks:
            parts.append(_block(block))
            drawn += isinstance(block, Plate)
            if isinstance(block, Plate) and drawn % MOST_FLOATS == 0:
                parts.append(r"\clearpage")
    parts += [r"\clearpage", *_references(document), "", escaped(document.made), r"\end{document}"]
    return "\n".join(parts) + "\n"


def _files(
    study: Study, content: Mapping[str, Any] | None, document: Document
) -> Iterator[tuple[str, bytes]]:
    title = " ".join(document.title.split())
    yield "README.txt", README.format(title=title, made=document.made).encode()
    yield "report.tex", tex(document).encode()
    yield "references.bib", references.bibtex(document.cited).encode()
    for plate in plates_of(document):
        drawn = plates.draw(study, content, plate.name, "pdf", page=plate.page)
        yield f"figures/{plate.key}.pdf", drawn


def plates_of(document: Document) -> list[Plate]:
    return [block for section in document.sections for block in section.blocks if isinstance(block, Plate)]


def _block(block: Paragraph | Items | Table | Plate) -> str:
    writers = {Paragraph: _paragraph, Items: _items, Table: _table, Plate: _plate}
    return writers[type(block)](block)


def _paragraph(block: Paragraph) -> str:
    heading = rf"\paragraph{{{escaped(block.heading)}.}} " if block.heading else ""
    return heading + "".join(map(_words, block.words)) + "\n"


def _words(part: str | Cite) -> str:
    if isinstance(part, Cite):
        return rf"\cite{{{part.key}}}"
    before, after = " " * part.startswith(" "), " " * part.endswith(" ")
    return before + escaped(part) + after


def _items(block: Items) -> str:
    lines = "\n".join(rf"\item {escaped(line)}" for line in block.lines)
    return rf"\begin{{itemize}}{lines}" + "\n" + r"\end{itemize}" if block.lines else "None is known."


def _table(block: Table) -> str:
    room = (1 - GAP * len(block.widths)) / sum(block.widths)
    widths = [width * min(1, room) for width in block.widths]
    columns = "".join(
        f"{'L' if place < block.words else 'R'}{{{width:.3f}}}" for place, width in enumerate(widths)
    )
    head = _row(block.head)
    lines = [
        r"{\footnotesize",
        rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
        rf"\caption{{{escaped(block.caption)}}}\label{{table:{block.key}}}\\",
        r"\toprule",
        head,
        r"\midrule\endfirsthead",
        r"\toprule",
        head,
        r"\midrule\endhead",
        r"\bottomrule\endfoot",
        *map(_row, block.rows),
        r"\end{longtable}",
        rf"\noindent {escaped(block.note)}\par" if block.note else "",
        r"}",
    ]
    return "\n".join(filter(None, lines)) + "\n"


def _row(cells: tuple[str, ...]) -> str:
    return " & ".join(map(escaped, cells)) + r" \\"


def _plate(block: Plate) -> str:
    lines = [
        r"\begin{figure}[htbp]",
        r"\centering",
        rf"\includegraphics[width=\linewidth,height=0.82\textheight,keepaspectratio]{{figures/{block.key}.pdf}}",
        rf"\caption{{{escaped(block.caption)}}}\label{{figure:{block.key}}}",
        r"\end{figure}",
    ]
    return "\n".join(lines) + "\n"


def _references(document: Document) -> list[str]:
    if not document.cited:
        return []
    items = [rf"\bibitem{{{key}}} {escaped(references.line(key))}" for key in document.cited]
    return [r"\begin{thebibliography}{99}", *items, r"\end{thebibliography}"]
