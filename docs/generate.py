"""The generated pages of the reference: what the program itself says of its language, files, errors, operations,
commands, settings.

`python docs/generate.py FOLDER` writes them in English and in Chinese; the build takes those of its language.
Headings and fixed sentences are written in that language here; what is read from the program (docstrings,
messages) is in the language that the program has it in. Everything that is imported from the product is
imported in `Product`, so that a moved module is one line.
"""

import ast
import dataclasses
import importlib
import inspect
import json
import os
import re
import sys
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer.main
from ruamel.yaml import YAML

CHECKOUT = Path(__file__).resolve().parent.parent
LANGUAGES = ("en", "zh_CN")
PACKAGES = ("sandbox", "marketplace")
NOT_A_CODE = "error"  # the root of the tree: nothing is refused with it


class Product:
    """All that is taken from the product."""

    def __init__(self) -> None:
        def part(module: str, name: str) -> Any:
            return getattr(importlib.import_module(module), name)

        self.constructs = part("sandbox.queries.functions.registry", "CONSTRUCTS")
        self.aggregations = part("sandbox.queries.tree", "Aggregation")
        self.windows = part("sandbox.queries.tree", "WindowFunctionKind")
        self.error_root = part("sandbox.errors", "CihuError")
        self.status_of = part("sandbox.http.problem_details", "status_of")
        self.page_name = part("sandbox.http.error_pages", "page_name")
        self.http_error = part("starlette.exceptions", "HTTPException")
        self.http_refusals = part("sandbox.http.http_refusals", "HTTP_REFUSALS")
        self.code_of_status = part("sandbox.http.http_refusals", "code_of_status")
        self.command_line = part("sandbox.cli.terminal", "app")
        importlib.import_module("sandbox.cli")  # every command adds itself
        self.checks = part("sandbox.disclosure.checks.registry", "CHECKS")
        self.verdicts = part("marketplace.keys.verify_key", "REFUSALS")
        self.settings = (
            ("vault", part("sandbox.vault.settings", "Settings")),
            ("portal", part("marketplace.settings", "Settings")),
            ("city", part("sandbox.standalone.settings", "CitySettings")),
        )

    def specifications(self) -> dict[str, dict[str, Any]]:
        """The OpenAPI of both services, as `make openapi` wrote it."""
        return {
            service: json.loads((CHECKOUT / "docs" / "openapi" / f"{service}.json").read_text("utf-8"))
            for service in ("vault", "portal")
        }


@dataclass
class Writer:
    """One language's pages."""

    chinese: bool

    def say(self, english: str, chinese: str) -> str:
        return chinese if self.chinese else english

    def table(self, head: list[tuple[str, str]], rows: list[list[str]]) -> str:
        names = [self.say(*name) for name in head]
        lines = [
            names,
            ["---"] * len(names),
            *[[cell.replace("\n", " ").replace("|", "\\|") for cell in row] for row in rows],
        ]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def plain(text: str) -> str:
    """Text of the program as MyST: only its backticks mean something."""
    parts = re.split(r"(`+[^`]+`+)", " ".join(str(text).split()))
    return "".join(
        part if part.startswith("`") else re.sub(r"([\\*_<>\[\]{}$#~^])", r"\\\1", part) for part in parts
    )


def code(text: object) -> str:
    shown = str(text)
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"


# --- the SQL language


AGGREGATES = {
    "COUNT": "COUNT(*), COUNT(x)",
    "COUNT_DISTINCT": "COUNT(DISTINCT x)",
    "SUM": "SUM(x)",
    "AVG": "AVG(x), MEAN(x)",
    "VARIANCE": "VARIANCE(x), VAR_SAMP(x)",
    "VARIANCE_POP": "VAR_POP(x)",
    "STDDEV": "STDDEV(x), STDDEV_SAMP(x)",
    "STDDEV_POP": "STDDEV_POP(x)",
    "COVARIANCE": "COVAR_SAMP(x, y)",
    "COVARIANCE_POP": "COVAR_POP(x, y)",
    "CORRELATION": "CORR(x, y)",
    "SLOPE": "REGR_SLOPE(y, x)",
    "INTERCEPT": "REGR_INTERCEPT(y, x)",
    "QUANTILE": "MEDIAN(x), QUANTILE_CONT(x, 0.9), QUANTILE_DISC(x, 0.9)",
    "MIN": "MIN(x)",
    "MAX": "MAX(x)",
}
MEASURED = {
    "MIN": ("The 1 % quantile: the least value is one person's.", "即 1 % 分位数：最小值属于某一个人。"),
    "MAX": ("The 99 % quantile: the largest value is one person's.", "即 99 % 分位数：最大值属于某一个人。"),
    "QUANTILE": ("Read from a private histogram.", "由差分隐私直方图得出。"),
    "AVG": ("A sum and a count, with their own noise each.", "由总和与计数得出，二者各加噪声。"),
}


def sql_functions(writer: Writer, product: Product) -> str:
    say = writer.say
    rows = [
        [
            code(construct.name),
            " ; ".join(", ".join(sorted(kind.value for kind in kinds)) for kinds in construct.takes)
            + (" …" if construct.repeated else ""),
            code(getattr(construct.gives, "value", construct.gives)),
            plain(construct.totality),
        ]
        for construct in sorted(
            product.constructs, key=lambda construct: (construct.node.__name__, construct.name)
        )
    ]
    missing = [member.name for member in product.aggregations if member.name not in AGGREGATES]
    if missing:
        sys.exit(
            f"docs/generate.py does not know how to write the aggregates {missing}: add them to AGGREGATES."
        )
    aggregates = [
        [code(AGGREGATES[member.name]), say(*MEASURED[member.name]) if member.name in MEASURED else ""]
        for member in product.aggregations
    ]
    windows = [
        [code(member.name.replace("_", " ").upper() if member.name == "VALUE" else member.name)]
        for member in product.windows
    ]
    return f"""# {say("SQL functions", "SQL 函数")}

{
        say(
            "This page is generated from the registry of the language (`sandbox/queries/functions/`). It lists every construct that can be "
            "computed for a row. What is not listed is refused by name.",
            "本页由语言的登记表（`sandbox/queries/functions/`）生成，列出可对每一行计算的全部构造。未列出的一律按名称拒绝。",
        )
    }

## {say("Aggregates", "聚合函数")}

{say("An aggregate is released with noise and its error.", "聚合值带噪声放行，并附误差。")}

{writer.table([("written", "写法"), ("note", "说明")], aggregates)}

## {say("Functions and operators of a row", "行级函数与运算符")}

{
        say(
            "“At the edges” says what the value is where an ordinary engine would fail. No row can make a question fail.",
            "“边界情形”说明普通引擎会出错时取何值。任何一行都不能使提问失败。",
        )
    }

{
        writer.table(
            [
                ("name", "名称"),
                ("arguments", "参数类型"),
                ("result", "结果类型"),
                ("at the edges", "边界情形"),
            ],
            rows,
        )
    }

## {say("Windows over released groups", "对已放行分组的窗口函数")}

{
        say(
            "They compute with released numbers, touch no data and cost nothing more. `VALUE` is what `LAG`, `LEAD`, `FIRST_VALUE` and "
            "`LAST_VALUE` give.",
            "它们只用已放行的数值计算，不接触数据，不另收费。`VALUE` 即 `LAG`、`LEAD`、`FIRST_VALUE` 和 `LAST_VALUE` 所取的值。",
        )
    }

{writer.table([("kind", "种类")], windows)}
"""


# --- the policy file


def policy_file(writer: Writer, _: Product) -> str:
    schema = json.loads((CHECKOUT / "policies" / "dataset.schema.json").read_text("utf-8"))
    say = writer.say
    rows = list(fields_of(schema, schema["$defs"], ""))
    example = (CHECKOUT / "policies" / "datasets" / "health.visits.yaml").read_text("utf-8")
    return f"""# {say("The policy file", "策略文件")}

{
        say(
            "This page is generated from `policies/dataset.schema.json`. A policy file says what a dataset is before anybody may use it.",
            "本页由 `policies/dataset.schema.json` 生成。策略文件在任何人使用数据集之前，说明该数据集是什么。",
        )
    }

{writer.table([("field", "字段"), ("required", "必填"), ("value", "取值"), ("meaning", "含义")], rows)}

## {say("An example", "示例")}

{say("The policy of the demo's dataset:", "演示数据集的策略：")}

```yaml
{example}```
"""


def fields_of(schema: dict[str, Any], definitions: dict[str, Any], path: str) -> Iterator[list[str]]:
    for name, of in schema.get("properties", {}).items():
        inner = resolved(of, definitions)
        here = f"{path}{name}"
        required = "✓" if name in schema.get("required", ()) else ""
        yield [
            code(here),
            required,
            value_of(inner),
            plain(inner.get("description", of.get("description", ""))),
        ]
        yield from fields_of(inner, definitions, f"{here}.")
        items = inner.get("items")
        if isinstance(items, dict):
            yield from fields_of(resolved(items, definitions), definitions, f"{here}.N.")
        members = inner.get("additionalProperties")
        if isinstance(members, dict):
            yield from fields_of(resolved(members, definitions), definitions, f"{here}.NAME.")


def resolved(of: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    reference = of.get("$ref")
    return definitions[reference.rpartition("/")[2]] if reference else of


def value_of(of: dict[str, Any]) -> str:
    if "enum" in of:
        return ", ".join(code(value) for value in of["enum"])
    if "oneOf" in of:
        return " / ".join(value_of(part) for part in of["oneOf"])
    kind = of.get("type", "")
    bounds = [f"{word} {of[name]}" for word, name in (("≥", "minimum"), ("≤", "maximum")) if name in of]
    bounds += [
        f"{of[name]} {word}"
        for word, name in (("or more", "minItems"), ("at most", "maxItems"))
        if name in of
    ]
    pattern = [code(of["pattern"])] if "pattern" in of else []
    return " ".join([code(kind), *bounds, *pattern]) if kind else ""


# --- error codes


@dataclass
class Code:
    """What the sources say of one stable code."""

    kind: Any  # a class below CihuError, or HTTP's own
    status: int = 0  # where the kind does not say it
    places: set[str] = field(default_factory=set)
    messages: dict[str, tuple[str, str, str, str]] = field(default_factory=dict)


def error_codes(product: Product) -> dict[str, Code]:
    """Every code: of each class of the tree, of each place in the sources that gives one, of each rule,
    of each key's verdict."""
    trees = {
        path: ast.parse(path.read_text("utf-8"))
        for package in PACKAGES
        for path in sorted((CHECKOUT / package).rglob("*.py"))
        if "migrations" not in path.parts
    }
    kinds = error_kinds(product, trees)
    names = {name: text for tree in trees.values() for name, text in names_in(tree).items()}
    codes: dict[str, Code] = {}
    for kind in kinds.values():
        if kind.code != NOT_A_CODE:
            codes.setdefault(kind.code, Code(kind))
    for path, tree in trees.items():
        place, known = str(path.relative_to(CHECKOUT)), names | names_in(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds:
                given = {word.arg: word.value for word in node.keywords if word.arg}
                name = constant(given["code"], known) if "code" in given else kinds[node.func.id].code
                if not name or name == NOT_A_CODE:
                    continue
                of = codes.setdefault(name, Code(kinds[node.func.id]))
                of.places.add(place)
                message = text_of(node.args[0]) if node.args else ""
                remedy = text_of(given.get("remedy"))
                if message and "code" in given:
                    of.messages.setdefault(
                        message,
                        (
                            message,
                            remedy,
                            text_of(given.get("zh")),
                            text_of(given.get("remedy_zh")),
                        ),
                    )
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in {"Decision", "unfit"}
            ):
                name = code_of_call(node, known)
                if name:
                    codes.setdefault(
                        name, Code(kinds["Forbidden" if node.func.id == "Decision" else "Unavailable"])
                    ).places.add(place)
    forbidden = kinds["Forbidden"]
    for rule in sorted((CHECKOUT / "policies").glob("*.cedar")):
        for block in rule.read_text("utf-8").split("\n@id(")[1:]:
            if "\nforbid" in block:
                said: dict[str, str] = dict(re.findall(r'@(\w+)\("((?:[^"\\]|\\.)*)"\)', block))
                of = codes.setdefault(block.partition('"')[2].partition('"')[0], Code(forbidden))
                of.places.add(str(rule.relative_to(CHECKOUT)))
                message = said.get("reason_en", "")
                of.messages[message] = (
                    message,
                    said.get("remedy_en", ""),
                    said.get("reason_zh", ""),
                    said.get("remedy_zh", ""),
                )
    for verdict, kind in product.verdicts.items():
        codes.setdefault(verdict.value, Code(kind)).places.add("marketplace/keys/verify_key.py")
    for status, refusal in product.http_refusals.items():
        of = codes.setdefault(product.code_of_status(status), Code(product.http_error, status))
        of.places.add("sandbox/http/http_refusals.py")
        message, remedy = refusal.words("en", "…")
        of.messages[message] = (message, remedy, *refusal.words("zh", "…"))
    return codes


def error_kinds(product: Product, trees: dict[Path, ast.Module]) -> dict[str, Any]:
    """The classes of the error tree by name.
    Those outside of errors.py are imported where the sources define them."""
    known: dict[str, Any] = {}
    grown = True
    names = {"CihuError"}
    classes = [
        (path, node)
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]
    while grown:
        grown = False
        for path, node in classes:
            if node.name not in names and any(
                isinstance(base, ast.Name) and base.id in names for base in node.bases
            ):
                names.add(node.name)
                known[node.name] = getattr(
                    importlib.import_module(".".join(path.relative_to(CHECKOUT).with_suffix("").parts)),
                    node.name,
                )
                grown = True
    return {"CihuError": product.error_root, **known}


def names_in(tree: ast.Module) -> dict[str, str]:
    """The texts that a module gives names to."""
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def code_of_call(node: ast.Call, names: dict[str, str]) -> str:
    """The code of a decision that no rule made, and of a bucket that is not fit
    (sandbox/storage/protection.py)."""
    if isinstance(node.func, ast.Name) and node.func.id == "unfit":
        return f"storage_{constant(node.args[2], names)}"
    return next((constant(word.value, names) for word in node.keywords if word.arg == "code"), "")


def constant(node: ast.expr, names: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def text_of(node: ast.expr | None) -> str:
    """A literal text; what is filled in is shown as an ellipsis."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(text_of(value) if isinstance(value, ast.Constant) else "…" for value in values)
        case ast.BinOp(left=left, right=right):
            return text_of(left) + text_of(right)
    return ""


def errors(writer: Writer, product: Product, codes: dict[str, Code]) -> str:
    say = writer.say
    by_status = defaultdict(list)
    for name, of in codes.items():
        by_status[of.status or product.status_of(of.kind.__new__(of.kind))].append(name)
    parts = [
        f"""# {say("Error codes", "错误代码")}

{
            say(
                "This page is generated from the sources. Every refusal is a problem document (RFC 9457): `status`, `title`, `detail`, and a stable "
                "`code`. Programs should look at the code and never at the words. An ellipsis stands for what is filled in.",
                "本页由源代码生成。每个拒绝都是一份问题文档（RFC 9457）：`status`、`title`、`detail` 和稳定的 `code`。程序应判断代码，不应判断文字。省略号表示填入的内容。",
            )
        }

{
            writer.table(
                [("status", "状态"), ("codes", "代码")],
                [
                    [
                        str(status),
                        ", ".join(f"[`{name}`](#error-{product.page_name(name)})" for name in sorted(names)),
                    ]
                    for status, names in sorted(by_status.items())
                ],
            )
        }"""
    ]
    return "\n".join(parts)


def error_pages(writer: Writer, product: Product, codes: dict[str, Code]) -> dict[str, str]:
    """A page for each code, by its place below the generated ones. They are in no menu: the menu of every page
    would hold a hundred of them."""
    return {
        f"errors/{product.page_name(name)}": error_page(writer, product, name, of)
        for name, of in codes.items()
    }


def error_page(writer: Writer, product: Product, name: str, of: Code) -> str:
    say = writer.say
    status = of.status or product.status_of(of.kind.__new__(of.kind))
    lines = [
        f"---\norphan: true\n---\n\n(error-{product.page_name(name)})=\n\n# `{name}`\n",
        say(
            f"Status {status}; kind `{of.kind.__name__}`.",
            f"状态 {status}；类别 `{of.kind.__name__}`。",
        )
        + "\n",
    ]
    doc = inspect.getdoc(of.kind) if "code" in vars(of.kind) and of.kind.code == name else ""
    if doc and not doc.startswith(("InvalidInput(", "QueryRefused(")):
        lines.append(plain(doc) + "\n")
    for message, remedy, zh, remedy_zh in of.messages.values():
        shown = (zh or message, remedy_zh or remedy) if writer.chinese else (message, remedy)
        lines.append(
            f"- {plain(shown[0])}"
            + (f"\n  **{say('Remedy', '改正办法')}**{say(': ', '：')}{plain(shown[1])}" if shown[1] else "")
        )
    places = ", ".join(code(place) for place in sorted(of.places)[:6])
    if places:
        lines.append(
            f"\n{say('Where', '出处')}{say(': ', '：')}{places}" + (" …" if len(of.places) > 6 else "")
        )
    lines.append(f"\n[{say('All codes', '全部代码')}](../errors.md)")
    return "\n".join(lines) + "\n"


# --- the HTTP API


def http_api(writer: Writer, service: str, document: dict[str, Any]) -> str:
    say = writer.say
    titles = {
        "vault": say("HTTP API of the vault", "保险库的 HTTP 接口"),
        "portal": say("HTTP API of the portal", "门户的 HTTP 接口"),
    }
    groups: dict[str, list[str]] = defaultdict(list)
    for path, methods in document["paths"].items():
        for method, of in methods.items():
            if method in {"get", "post", "put", "delete", "patch"}:
                groups[(of.get("tags") or ["other"])[0]].append(operation(writer, path, method, of, document))
    sections = "\n".join(f"## {plain(tag)}\n\n" + "\n".join(groups[tag]) for tag in sorted(groups))
    return f"""# {titles[service]}

{
        say(
            "This page is generated from the service's own OpenAPI document, which a running service gives at `/openapi.json`. A caller sends "
            "`Authorization: Bearer TOKEN`. The portal's `POST /api/v1/login` gives tokens for both services.",
            "本页由服务自身的 OpenAPI 文档生成，运行中的服务在 `/openapi.json` 提供该文档。调用时发送 `Authorization: Bearer TOKEN`。门户的 `POST /api/v1/login` 签发两个服务的令牌。",
        )
    }

{sections}"""


def operation(writer: Writer, path: str, method: str, of: dict[str, Any], document: dict[str, Any]) -> str:
    say = writer.say
    lines = [f"### `{method.upper()} {path}`\n"]
    if of.get("description") or of.get("summary"):
        lines.append(plain(of.get("description") or of["summary"]) + "\n")
    parameters = [
        [
            code(each["name"]),
            each["in"],
            "✓" if each.get("required") else "",
            plain(kind_of(each.get("schema", {}))),
            plain(each.get("description", "")),
        ]
        for each in of.get("parameters", ())
    ]
    head = [("name", "名称"), ("where", "位置"), ("required", "必填"), ("type", "类型"), ("meaning", "含义")]
    for kind, content in of.get("requestBody", {}).get("content", {}).items():
        schema = content.get("schema", {})
        name = (schema.get("$ref") or schema.get("allOf", [{}])[0].get("$ref", "")).rpartition("/")[2]
        model = document.get("components", {}).get("schemas", {}).get(name, schema)
        parameters += [
            [
                code(field_name),
                kind,
                "✓" if field_name in model.get("required", ()) else "",
                plain(kind_of(each)),
                plain(each.get("description", "")),
            ]
            for field_name, each in model.get("properties", {}).items()
        ]
    if parameters:
        lines.append(writer.table(head, parameters))
    lines.append(
        say("Answers: ", "应答：")
        + ", ".join(
            f"{code(status)} {plain(named(each, document).get('description', ''))}"
            for status, each in of.get("responses", {}).items()
        )
        + "\n"
    )
    return "\n".join(lines)


def named(response: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """A response itself, or the one of the components that it names."""
    name = str(response.get("$ref", "")).rpartition("/")[2]
    return document["components"]["responses"][name] if name else response


def kind_of(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(kind_of(part) for part in schema[several])
    if "enum" in schema or "const" in schema:
        return ", ".join(map(str, schema.get("enum", [schema.get("const")])))
    kind = str(schema.get("type", "any"))
    return f"list of {kind_of(schema.get('items', {}))}" if kind == "array" else kind


# --- the command line


def command_line(writer: Writer, product: Product) -> str:
    say = writer.say
    root = typer.main.get_command(product.command_line)
    parts = [
        f"""# {say("Command line", "命令行")}

{
            say(
                "This page is generated from the program. `cihu --help` and `cihu COMMAND --help` say the same.",
                "本页由程序生成。`cihu --help` 与 `cihu COMMAND --help` 内容相同。",
            )
        }
"""
    ]
    parts += [command_page(writer, name, command) for name, command in commands_of(root, "cihu")]
    return "\n".join(parts)


def commands_of(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for inner, of in command.commands.items():
            yield from commands_of(of, f"{name} {inner}")
    else:
        yield name, command


def command_page(writer: Writer, name: str, command: Any) -> str:
    rows = []
    for parameter in command.params:
        if parameter.name in {"install_completion", "show_completion", "help"}:
            continue
        is_option = parameter.param_type_name == "option"
        shown = ", ".join(parameter.opts) if is_option else str(parameter.name or "").upper()
        default = (
            parameter.default
            if isinstance(parameter.default, str | int) and not isinstance(parameter.default, bool)
            else ""
        )
        rows.append(
            [
                code(shown),
                "✓" if parameter.required else "",
                code(default) if default != "" else "",
                plain(getattr(parameter, "help", "") or ""),
            ]
        )
    table = (
        writer.table(
            [
                ("argument or option", "参数或选项"),
                ("required", "必填"),
                ("default", "默认"),
                ("meaning", "含义"),
            ],
            rows,
        )
        if rows
        else ""
    )
    return f"## `{name}`\n\n{plain(inspect.cleandoc(command.help or ''))}\n\n{table}\n"


# --- settings


def settings(writer: Writer, product: Product) -> str:
    say = writer.say
    titles = {
        "vault": say("The vault", "保险库"),
        "portal": say("The portal", "门户"),
        "city": say("A city on one machine", "单机城市"),
    }
    parts = [
        f"""# {say("Settings", "设置")}

{
            say(
                "This page is generated from the settings classes. Each setting is an environment variable; none is read from a file.",
                "本页由设置类生成。每项设置都是一个环境变量，不从文件读取。",
            )
        }
"""
    ]
    for name, kind in product.settings:
        comments = comments_of(kind)
        rows = [
            [code(variable), plain(shown_default(default)), plain(comments.get(attribute, ""))]
            for attribute, variable, default in variables_of(name, kind)
        ]
        parts.append(
            f"## {titles[name]}\n\n"
            + writer.table([("variable", "变量"), ("default", "默认值"), ("meaning", "含义")], rows)
        )
    return "\n".join(parts)


def variables_of(name: str, kind: type) -> Iterator[tuple[str, str, Any]]:
    if dataclasses.is_dataclass(kind):
        special = {"password": "CIHU_DEMO_PASSWORD"}
        for each in dataclasses.fields(kind):
            yield each.name, special.get(each.name, f"CIHU_{each.name.upper()}"), each.default
        return
    for attribute, each in kind.model_fields.items():  # type: ignore[attr-defined]
        yield attribute, f"CIHU_{attribute.upper()}", "" if each.is_required() else each.default


def shown_default(default: Any) -> str:
    if hasattr(default, "get_secret_value"):
        return "a secret" if default.get_secret_value() else ""
    text = str(default)
    return os.path.relpath(text, CHECKOUT) if text.startswith(str(CHECKOUT)) else text


def comments_of(kind: type) -> dict[str, str]:
    """What stands beside or below each field: a comment, or a text of its own."""
    source = textwrap.dedent(inspect.getsource(kind))
    body = ast.parse(source).body[0]
    lines = source.splitlines()
    found: dict[str, str] = {}
    last = ""
    for node in body.body:  # type: ignore[attr-defined]
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            last = node.target.id
            _, mark, comment = lines[node.lineno - 1].partition("  # ")
            if mark and not comment.startswith(("noqa", "type:")):
                found[last] = comment
            elif mark and "  # " in comment:
                found[last] = comment.partition("  # ")[2]
        elif isinstance(node, ast.Expr) and last:
            found[last] = text_of(node.value)
    return found


# --- outputs


def outputs(writer: Writer, product: Product) -> str:
    say = writer.say
    policy = YAML(typ="safe", pure=True).load((CHECKOUT / "policies" / "disclosure.yaml").read_text("utf-8"))
    place = "zh" if writer.chinese else "en"
    thresholds = list(next(iter(policy["grades"].values())))
    explained = dict(
        re.findall(
            r"^#   (\w+) +(.+)$", (CHECKOUT / "policies" / "disclosure.yaml").read_text("utf-8"), re.MULTILINE
        )
    )
    rows = [
        [
            code(name),
            *[str(numbers[name]) for numbers in policy["grades"].values()],
            plain(explained.get(name, "")),
        ]
        for name in thresholds
    ]
    parts = [
        f"""# {say("Outputs and their rules", "输出及其规则")}

{
            say(
                "This page is generated from `policies/disclosure.yaml`. Every file that leaves a sealed run is declared as one statbarn, or as one "
                "analysis, which stands for its statbarn. The statbarn decides which checks look at the file.",
                "本页由 `policies/disclosure.yaml` 生成。离开密封运行的每个文件都须申明一种统计类型，或申明一种分析（代表其统计类型）。统计类型决定对文件做哪些检查。",
            )
        }

## {say("Thresholds by grade", "各级别的阈值")}

{
            writer.table(
                [
                    ("threshold", "阈值"),
                    *[(str(grade), str(grade)) for grade in policy["grades"]],
                    ("meaning", "含义"),
                ],
                rows,
            )
        }

## {say("Statbarns", "统计类型")}
"""
    ]
    for name, barn in policy["statbarns"].items():
        risks = ", ".join(policy["risks"][risk][place] for risk in barn["risks"])
        parts.append(f"""### `{name}`

{plain(barn["name"][place])}{say(". ", "。")}{say("Risks: ", "风险：")}{plain(risks)}{say(". ", "。")}{say("Checks: ", "检查：")}{", ".join(code(check) for check in barn["checks"])}{say(".", "。")}

{writer.table([("analysis", "分析"), ("name", "名称")], [[code(analysis), plain(words[place])] for analysis, words in barn["analyses"].items()])}""")
    checks = [
        [code(name), "✓" if name in policy["always"] else "", plain(first_line(check))]
        for name, check in product.checks.items()
    ]
    parts.append(f"""## {say("Checks", "检查")}

{say("A check of every file runs whatever the file is declared as.", "标记的检查对每个文件都做，不论如何申明。")}

{writer.table([("check", "检查"), ("every file", "每个文件"), ("what it looks for", "检查内容")], checks)}""")
    return "\n".join(parts)


def first_line(check: Any) -> str:
    said = inspect.getdoc(check) or inspect.getdoc(sys.modules[check.__module__]) or ""
    return said.split("\n\n")[0]


def pages_of(
    writer: Writer,
    product: Product,
    specifications: dict[str, dict[str, Any]],
    codes: dict[str, Code],
) -> dict[str, str]:
    return {
        "sql-functions": sql_functions(writer, product),
        "policy-file": policy_file(writer, product),
        "errors": errors(writer, product, codes),
        **error_pages(writer, product, codes),
        "command-line": command_line(writer, product),
        "settings": settings(writer, product),
        "outputs": outputs(writer, product),
        **{
            f"http-{service}": http_api(writer, service, document)
            for service, document in specifications.items()
        },
    }


def main(folder: Path) -> None:
    """Write every generated page into `folder`/en and `folder`/zh_CN."""
    product = Product()
    specifications, codes = product.specifications(), error_codes(product)
    for language in LANGUAGES:
        (folder / language).mkdir(parents=True, exist_ok=True)
        writer = Writer(language.startswith("zh"))
        for name, text in pages_of(writer, product, specifications, codes).items():
            page = folder / language / f"{name}.md"
            page.parent.mkdir(exist_ok=True)
            page.write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
