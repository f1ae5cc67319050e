"""What does the budget's page tell, and to whom?
Who spent it on what: to the team that spent it, and to nobody else."""

from asked_vault import AskedVault


def test_a_team_sees_who_spent_its_budget_on_which_question(asked: AskedVault) -> None:
    dataset, grant = asked.dataset()
    sql = f"SELECT COUNT(*) AS n FROM {dataset}"
    paid = asked.person("wang").answer(sql, epsilon=0.5)
    again = asked.person("song").answer(sql, epsilon=0.5)
    assert again["stored"], "it was paid already"
    for member in (asked.person("wang"), asked.kernel("song")):
        [one] = member.send("GET", f"/v1/budgets?grant={grant.id}").json()
        assert one["spent"]["people"] == [
            {"who": "wang", "questions": 1, "picorho": paid["price"]["picorho"]}
        ]
        [question] = one["spent"]["questions"]
        assert (question["answer_id"], question["who"], question["sql"], question["status"]) == (
            paid["answer_id"],
            "wang",
            sql,
            "released",
        )
        assert question["at"][:4].isdigit()


def test_who_sees_a_grant_without_being_of_its_team_does_not_see_its_questions(asked: AskedVault) -> None:
    dataset, grant = asked.dataset()
    asked.person("wang").answer(f"SELECT COUNT(*) AS n FROM {dataset}")
    [seen] = asked.person("lin").send("GET", f"/v1/budgets?grant={grant.id}").json()
    assert seen["spent"] is None and seen["levels"][0]["picorho_spent"] > 0
    assert asked.person("qin").send("GET", f"/v1/budgets?grant={grant.id}").status_code == 404


def test_every_grant_of_a_team_on_a_dataset_shows_the_same_account(asked: AskedVault) -> None:
    dataset, first = asked.dataset()
    second = asked.grant(dataset, person="song")
    [older] = asked.person("lin").send("GET", f"/v1/budgets?grant={first.id}&limit=1").json()
    assert older["grant"] == first.id, "the newest is another, and a part is of what is asked for"
    asked.person("wang").answer(f"SELECT COUNT(*) AS n FROM {dataset}", grant=first.id)
    asked.person("song").answer(f"SELECT year, COUNT(*) AS n FROM {dataset} GROUP BY year", grant=second.id)
    shown = [
        asked.person("wang").send("GET", f"/v1/budgets?grant={one.id}").json()[0]["spent"]
        for one in (first, second)
    ]
    assert shown[0] == shown[1] and len(shown[0]["questions"]) == 2
    assert shown[0]["questions"][0]["who"] == "song", "newest first"
