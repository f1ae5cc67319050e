"""Commands for announcements and the discussion of a competition."""

from typing import Annotated, Any

import typer
from rich.markup import escape

from sandbox.cli.competitions import Name, Reason, at, competition_app
from sandbox.cli.terminal import As, Home, Json, show, visitor_of

Post = Annotated[int, typer.Argument(help="The post's number.")]


@competition_app.command()
def tell(
    name: Name,
    zh: Annotated[str, typer.Option(help="In Chinese.")] = "",
    en: Annotated[str, typer.Option(help="In English.")] = "",
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Announce something to everybody, in one language or in both (officers of the organiser)."""
    new = {"text_zh": zh, "text_en": en}
    made = visitor_of(home, who).vault("POST", at(name, "/announcements"), json=new)
    show(made, as_json, f"It is announced, as number {made['id']}.")


@competition_app.command()
def announcements(name: Name, who: As = "wang", home: Home = None, as_json: Json = False) -> None:
    """List what the organiser announced."""
    found = visitor_of(home, who).vault("GET", at(name, "/announcements"))
    lines = [f"{one['id']}: {one['posted_at'][:16]} {one.get('en') or one['zh']}" for one in found]
    show({"announcements": found}, as_json, *(map(escape, lines) if lines else ["There are none."]))


@competition_app.command("discussion")
def list_posts(name: Name, who: As = "wang", home: Home = None, as_json: Json = False) -> None:
    """List questions and answers."""
    found = visitor_of(home, who).vault("GET", at(name, "/discussion"))
    show({"posts": found}, as_json, *([escape(_line(one)) for one in found] or ["There are none."]))


def _line(post: dict[str, Any]) -> str:
    team = post.get("team")
    whose = "organiser" if team is None else team.get("name", f"team {team['id']}")
    text = post.get("text", f"({post['state']})")
    return f"{'    ' if post['kind'] == 'answer' else ''}{post['id']} {whose}: {text}"


@competition_app.command()
def ask(
    name: Name,
    text: Annotated[str, typer.Argument(help="What you ask or answer, as plain text.")],
    answers: Annotated[int, typer.Option(help="The number of the question that you answer.")] = 0,
    who: As = "wang",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Ask or answer in a competition's discussion: people who take part, and the organiser. Write nothing
    that a review did not release."""
    new = {"text": text, **({"answers": answers} if answers else {})}
    made = visitor_of(home, who).vault("POST", at(name, "/discussion"), json=new)
    show(made, as_json, f"It is posted, as number {made['id']}.")


@competition_app.command()
def hide(
    name: Name,
    post: Post,
    reason: Reason,
    restore: Annotated[bool, typer.Option("--restore", help="Show it again.")] = False,
    who: As = "lin",
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Hide a post or an announcement for a reason, or show it again (officers of the organiser)."""
    path = f"/discussion/{post}/{'restore' if restore else 'hide'}"
    found = visitor_of(home, who).vault("POST", at(name, path), json={"reason": reason})
    show(found, as_json, f"Post {found['id']} is {found['state']}.")


@competition_app.command("take-back")
def take_back(name: Name, post: Post, who: As = "wang", home: Home = None, as_json: Json = False) -> None:
    """Take back a post of your own, for good."""
    found = visitor_of(home, who).vault("POST", at(name, f"/discussion/{post}/withdraw"))
    show(found, as_json, f"Post {found['id']} is {found['state']}.")
