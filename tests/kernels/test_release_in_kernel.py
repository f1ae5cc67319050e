"""From a cell to a released table, in a notebook:
asked for with words, looked at by two officers, read as a DataFrame."""

from notebook_reviewers import vote
from workspace import Kernel, VaultProcess

CELL = """%%sealed name="visits by site" inputs=[health.visits] limit=10s
import cihu
counts = cihu.inputs["health.visits"].groupby("site").size()
((counts + 5) // 10 * 10).rename("n").to_csv(cihu.outbox / "n.csv")
"""
WORDS = (
    '{"statbarn": "frequencies", "context": "visits by site, everybody", "controls": '
    '"no site has few visits"}'
)


def test_a_table_is_asked_for_returned_asked_for_again_released_and_read(
    one_kernel: Kernel, vault: VaultProcess
) -> None:
    one_kernel.text(f"import cihu\nget_ipython().run_cell({CELL!r})")
    told = one_kernel.text(
        f"run = cihu.runs()[0].wait()\nprint(len(run.files()))\nrun.request_release({{'n.csv': {WORDS}}})"
    )
    assert told.startswith("0") and "in review" in told and "n.csv" in told, told
    for who in ("lin", "zhou"):
        vote(vault, who, "change", "say of which year")
    told = one_kernel.text("print(run.state)\nrun.release()")
    assert told.startswith("returned") and "say of which year" in told and "lin" not in told
    told = one_kernel.text(
        "run.request_release('n.csv', statbarn='frequencies', context='visits by site in year one',"
        " controls='no site has few visits')\n"
        "print(run.change_release('n.csv', statbarn='frequencies', context='visits by site, all years',"
        " controls='no site has few visits').document['files'][0]['context'])"
    )
    assert "all years" in told
    for who in ("lin", "zhou"):
        vote(vault, who, "approve")
    told = one_kernel.text(
        "files = run.files()\nprint(run.state, list(files), list(files.df('n.csv').columns))\n"
        "print(files.save('out'), files.receipt['format'])\nfiles"
    )
    assert "released ['n.csv'] ['site', 'n']" in told and "cihu-receipt/1" in told and "out/n.csv" in told, (
        told
    )


def test_what_cannot_be_asked_for_is_told_with_its_remedy(one_kernel: Kernel) -> None:
    said = one_kernel.text(
        "import cihu\nrun = cihu.Run({'id': '00000000-0000-0000-0000-000000000000'})\n"
        "for files in ({'n.csv': 'a table'}, 'n.csv'):\n"
        "    try:\n        run.request_release(files)\n    except cihu.CihuError as refused:\n"
        "        print(refused.code, refused.remedy)"
    )
    assert said.splitlines()[0].startswith("invalid_input") and "statbarn" in said


def test_exact_counts_are_declared_waited_for_released_and_read(
    one_kernel: Kernel, vault: VaultProcess
) -> None:
    told = one_kernel.text(
        "import cihu\nrun = cihu.exact_table('SELECT site, COUNT(DISTINCT person) AS people "
        "FROM health.visits GROUP BY site', name='who came where').wait()\nprint(run.program)\n"
        "run.request_release('table.csv', context='persons by the site that they went to')"
    )
    assert "table.sql" in told and "counts.csv" in told and "in review" in told, told
    for who in ("lin", "zhou"):
        vote(vault, who, "approve", "compared with what left")
    told = one_kernel.text(
        "print(run.state, list(run.files()))\nrows = run.files().df('table.csv')\n"
        "(rows['people'] % 10 == 0).all(), list(rows.columns)"
    )
    assert (
        "released ['table.csv']" in told and "['site', 'people', 'protection']" in told and "True" in told
    ), told
    refused = one_kernel.text(
        "try:\n    cihu.exact_table('SELECT AVG(age) AS a FROM health.visits', name='ages')\n"
        "except cihu.CihuError as said:\n    print(said.code, said)"
    )
    assert refused.startswith("query_refused") and "AVG" in refused
