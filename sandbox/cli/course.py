"""Commands for the safe-researcher course: its test, and your training certificates."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from sandbox.cli.terminal import As, Home, Json, app, show, visitor_of
from sandbox.errors import InvalidInput, NotFound

course_app = typer.Typer(
    no_args_is_help=True, help="The safe-researcher course: take its test, keep its certificate."
)
app.add_typer(course_app, name="course")

Attempt = Annotated[int, typer.Argument(help="The attempt's number.")]


@course_app.command("show")
def show_course(who: As = "wang", home: Home = None, as_json: Json = False) -> None:
    """Show the test's rules, and where you stand. The course is in notebooks 07 and 08."""
    found = visitor_of(home, who).vault("GET", "/v1/course")
    lines = [
        f"{found['title']['en']} ({found['course']}, version {found['version']})",
        f"{found['needed']} of {found['questions']} right answers pass, within {found['minutes']} minutes; "
        f"attempts left today: {found['attempts_left']}.",
    ]
    if "open_attempt" in found:
        lines.append(f"Attempt {found['open_attempt']} is open: cihu course begin shows it.")
    if "test_from" in found:
        lines.append(f"Your certificate is good; you can renew it from {found['test_from'][:10]} on.")
    show(found, as_json, *map(escape, lines))


@course_app.command()
def begin(who: As = "wang", home: Home = None, as_json: Json = False) -> None:
    """Begin an attempt, or show the one that is open."""
    found = visitor_of(home, who).vault("POST", "/v1/course/attempts")
    lines = [f"Attempt {found['id']}, until {found['ends_at'][:16]}:"]
    for place, question in enumerate(found["questions"], start=1):
        lines += ["", f"{place}. {question['ask']['en']}"]
        lines += [f"   {option['number']}  {option['text']['en']}" for option in question["options"]]
    lines += ["", f"cihu course answer {found['id']} followed by one number for each question, in this order"]
    show(found, as_json, *map(escape, lines))


@course_app.command()
def answer(
    attempt: Attempt,
    chosen: Annotated[list[int], typer.Argument(help="The number of an option for each question, in order.")],
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Answer an attempt's questions. It is marked once. Fails if it is not passed."""
    person = visitor_of(home, who)
    asked = person.vault("GET", f"/v1/course/attempts/{attempt}")["questions"]
    if len(asked) != len(chosen):
        raise InvalidInput(
            f"There are {len(asked)} questions, and {len(chosen)} answers.",
            code="course_answers_incomplete",
            remedy="Give one number for each question, in their order.",
            zh=f"有 {len(asked)} 道题，给出了 {len(chosen)} 个答案。",
            remedy_zh="请按顺序为每道题给出一个编号。",
        )
    body = {"answers": {one["id"]: number for one, number in zip(asked, chosen, strict=True)}}
    found = person.vault("POST", f"/v1/course/attempts/{attempt}/answers", json=body)
    show(found, as_json, *map(escape, _outcome(found)))
    if found["state"] != "passed":
        raise typer.Exit(1)


def _outcome(found: dict[str, Any]) -> list[str]:
    lines = [f"{found['state']}: {found['right']} right answers, {found['needed']} pass."]
    for place, question in enumerate(found["questions"], start=1):
        if question["chosen"] != question["right"]:
            right = next(one for one in question["options"] if one["number"] == question["right"])
            lines += [f"{place}. {question['ask']['en']}", f"   Right is: {right['text']['en']}"]
            lines.append(f"   {question['why']['en']}")
    if "certificate" in found:
        lines.append(f"Your certificate is good until {found['certificate']['expires_at'][:10]}.")
    return lines


@course_app.command()
def certificate(
    course: Annotated[str, typer.Option(help="Of which course.")] = "safe-researcher",
    out: Annotated[
        Path | None, typer.Option(help="Where to keep its receipt, for `cihu audit verify`.")
    ] = None,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show your training certificate, and keep its receipt."""
    certificates = visitor_of(home, who).vault("GET", "/v1/certificates")
    found = next((one for one in certificates if one["course"] == course), None)
    if found is None:
        raise NotFound(
            f"You have no certificate of {course}.",
            code="no_training_certificate",
            remedy="Take the course's test: cihu course begin.",
            zh=f"您没有课程 {course} 的证书。",
            remedy_zh="请参加课程测试：cihu course begin。",
        )
    if out is not None and "receipt" in found:
        out.write_text(json.dumps(found["receipt"], ensure_ascii=False, indent=2), "utf-8")
    lines = [f"{found['person']} has the certificate {course}, good until {found['expires_at'][:10]}."]
    if "receipt" in found:
        lines.append(f"Its receipt is entry {found['receipt']['index']} of the log.")
    show(found, as_json, *map(escape, lines))
