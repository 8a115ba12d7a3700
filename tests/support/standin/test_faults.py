"""Every kind of fault, seen from the clients."""

import time

import pytest
import requests

SUBMIT = "/api/2.2/jobs/runs/submit"
GET = "/api/2.2/jobs/runs/get"


@pytest.fixture
def ended(submit, standin):
    standin.faults({"run": "fail", "times": 1})
    return standin.wait(submit("show"))["run_id"]


def test_the_hook_gets_through_a_server_that_fails_twice(hook, ended, standin):
    standin.faults({"method": "GET", "path": GET, "status": 503, "times": 2})
    before = len(standin.requests(GET))
    assert hook.get_run_state(ended).result_state == "FAILED"
    assert [entry["status"] for entry in standin.requests(GET)[before:]] == [503, 503, 200]


def test_the_sdk_waits_as_long_as_retry_after_says(client, ended, standin):
    standin.faults({"path": GET, "status": 429, "retry_after": 2, "times": 1})
    began = time.monotonic()
    client.jobs.get_run(ended)
    assert time.monotonic() - began >= 2


def test_a_cut_connection_has_no_effect_before(hook, body, standin):
    standin.faults({"path": SUBMIT, "cut": True, "times": 1}, {"run": "fail"})
    before = len(standin.runs())
    hook.submit_run(body("show"))
    assert standin.requests(SUBMIT)[-2]["status"] == "cut"
    assert len(standin.runs()) == before + 1


@pytest.mark.parametrize("loss", [{"cut": True}, {"status": 503}])
def test_a_lost_answer_had_its_effect_and_the_token_finds_it(hook, body, standin, loss):
    standin.faults({"path": SUBMIT, "when": "after", "times": 1, **loss}, {"run": "fail"})
    before, asked = len(standin.runs()), len(standin.requests(SUBMIT))
    run_id = hook.submit_run(body("show", idempotency_token=f"lost-{loss}"))
    assert len(standin.requests(SUBMIT)) == asked + 2
    assert [run["run_id"] for run in standin.runs()[before:]] == [run_id]


def test_without_a_token_a_lost_answer_makes_two_runs(hook, body, standin):
    standin.faults({"path": SUBMIT, "when": "after", "times": 1, "cut": True}, {"run": "fail"})
    before = len(standin.runs())
    hook.submit_run(body("show"))
    assert len(standin.runs()) == before + 2


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_answer_can_be_late(standin, when):
    standin.faults({"path": "/api/2.0/preview/*", "delay": 1, "when": when, "times": 1})
    ask = {"headers": {"Authorization": f"Bearer {standin.token}"}, "verify": standin.facts["ca_bundle"]}
    url = f"{standin.direct_url}/api/2.0/preview/scim/v2/Me"
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.get(url, timeout=0.5, **ask)
    assert requests.get(url, timeout=5, **ask).status_code == 200


def test_some_requests_can_pass_before_a_fault(standin):
    standin.faults({"path": "*/Me", "status": 500, "skip": 1, "times": 1, "body": {"error_code": "X"}})
    ask = {"headers": {"Authorization": f"Bearer {standin.token}"}, "verify": standin.facts["ca_bundle"]}
    url = f"{standin.direct_url}/api/2.0/preview/scim/v2/Me"
    answers = [requests.get(url, timeout=5, **ask) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 500, 200]
    assert answers[1].json() == {"error_code": "X"}


def test_too_many_requests_get_a_time_to_come_back(standin):
    standin.faults({"path": "*/Me", "rate": 2, "seconds": 1})
    ask = {"headers": {"Authorization": f"Bearer {standin.token}"}, "verify": standin.facts["ca_bundle"]}
    url = f"{standin.direct_url}/api/2.0/preview/scim/v2/Me"
    answers = [requests.get(url, timeout=5, **ask) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["Retry-After"] == "1"
    assert answers[2].json()["error_code"] == "REQUEST_LIMIT_EXCEEDED"
    time.sleep(1.1)
    assert requests.get(url, timeout=5, **ask).status_code == 200


@pytest.mark.parametrize(("when", "executed"), [("before", False), ("after", True)])
def test_a_run_can_be_made_to_fail(client, submit, standin, when, executed):
    standin.faults({"run": "fail", "task_key": "sh*", "when": when, "message": "OutOfMemory: x", "times": 1})
    run = standin.wait(submit("show"))
    answer = client.jobs.get_run_output(run["attempts"][0]["run_id"])
    assert (run["state"]["result_state"], answer.error) == ("FAILED", "OutOfMemory: x")
    assert bool(answer.logs) == executed
    assert standin.wait(submit("show"))["state"]["result_state"] == "SUCCESS"


def test_the_platform_can_fail(hook, submit, standin):
    standin.faults({"run": "internal_error", "message": "Driver lost", "times": 1})
    state = hook.get_run_state(standin.wait(submit("show"))["run_id"])
    assert (state.life_cycle_state, state.result_state) == ("INTERNAL_ERROR", "FAILED")
    assert "Driver lost" in state.state_message


def test_the_executing_process_can_be_killed(submit, standin):
    standin.faults({"run": "kill", "task_key": "wait", "seconds": 0.5, "times": 1})
    run = standin.wait(submit("wait", "60"))
    assert run["state"]["result_state"] == "FAILED"
    assert run["attempts"][0]["error"] == "The Python process exited with exit code 137 (SIGKILL)."


def test_a_run_can_be_held_until_it_is_released_or_cancelled(client, submit, standin):
    standin.faults({"run": "hold", "task_key": "show"})
    held, cancelled = submit("show"), submit("show")
    for run_id in (held, cancelled):
        standin.wait(run_id, lambda run: run["state"]["life_cycle_state"] == "RUNNING")
    client.jobs.cancel_run(cancelled)
    assert standin.wait(cancelled)["state"]["result_state"] == "CANCELED"
    assert standin.runs()[-2]["state"]["life_cycle_state"] == "RUNNING"
    standin.clear_faults()
    assert standin.wait(held)["state"]["result_state"] == "SUCCESS"


def test_what_is_not_a_rule_is_refused(standin):
    with pytest.raises(Exception, match="400"):
        standin.faults({"path": "*", "status": 500, "wehn": "after"})
