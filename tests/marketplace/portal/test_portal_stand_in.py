"""An officer buys stand-in rows on the dataset's page, once;
everybody sees what they are and how near they come."""

import io

import pyarrow.parquet


def person(city, who: str):
    browser = city.portal.browser()
    assert browser.log_in(who).status_code == 303
    return browser


def test_an_officer_buys_stand_in_rows_on_the_page(city) -> None:
    page = "/datasets/clinic.visits"
    lin, wang = person(city, "lin"), person(city, "wang")
    assert "仅由策略生成" in wang.get(page).text and f'action="{page}/stand-in"' not in wang.get(page).text
    assert f'action="{page}/stand-in"' not in person(city, "zhou").get(page).text, "of another department"

    for epsilon, said in (("", "epsilon"), ("0.000001", "预算太小"), ("100", "预算")):
        refused = lin.send(page, f"{page}/stand-in", epsilon=epsilon)
        assert refused.status_code == 422 and 'role="alert"' in refused.text and said in refused.text, epsilon
    assert lin.send(page, f"{page}/stand-in", epsilon="2", trained="on").status_code == 303

    shown = wang.get(page).text
    assert (
        "差分隐私合成" in shown
        and "由 林岚 以 ε" in shown
        and "总变差距离" in shown
        and shown.count(" %</td>") > 4
    )
    for part in ("未保留的内容", "分组均值", "相关系数", "分位数", "在真实记录上正确", "只保留是否为空"):
        assert part in shown, part
    assert f'action="{page}/stand-in"' not in lin.get(page).text, "once for a version"
    rows = pyarrow.parquet.read_table(io.BytesIO(wang.get(f"{page}/stand-in").content))
    assert b'"dp"' in b"".join((rows.schema.metadata or {}).values())
    lin.client.cookies.set("cihu_language", "en")
    english = lin.get(page).text
    assert "Total variation distance" in english and "Means of groups" in english
    assert "only whether it is empty" in english and "Right on real rows" in english


def test_who_may_not_buy_is_refused_on_the_pages(city) -> None:
    page = "/datasets/clinic.visits"
    for who in ("wang", "zhou"):
        browser = person(city, who)
        csrf = browser.get(page).text.partition('name="csrf" value="')[2].partition('"')[0]
        assert browser.client.post(f"{page}/stand-in", data={"csrf": csrf, "epsilon": "1"}).status_code == 403
    assert "仅由策略生成" in person(city, "lin").get(page).text
