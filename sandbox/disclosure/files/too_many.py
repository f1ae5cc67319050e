"""Bounds how much of a table is read: more than anybody reviews is refused."""

from sandbox.disclosure.finding import Finding, blocks

MOST_CELLS = 50_000
"""Of one file: nobody reviews more. It also bounds what the checks cost."""


def too_many_rows(rows: int, most: int) -> Finding:
    return blocks(
        "too_many_rows",
        "microdata",
        f"The table has {rows:,} rows; at most {most:,} may leave.",
        "Release aggregates: group it, or bin what it is grouped by.",
        f"表格有 {rows:,} 行，最多允许 {most:,} 行。",
        "请输出汇总结果：分组或分箱。",
    )


def too_many_cells(cells: int) -> Finding:
    return blocks(
        "too_many_cells",
        "microdata",
        f"The file has {cells:,} cells; nobody reads more than {MOST_CELLS:,}.",
        "Release fewer rows or columns: group, or bin what it is grouped by.",
        f"文件有 {cells:,} 个单元格，审核者最多阅读 {MOST_CELLS:,} 个。",
        "请减少行或列：分组或分箱。",
    )
