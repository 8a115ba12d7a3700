import asyncio
import ssl

import pytest
import requests


def test_the_hook_signs_in_with_oauth_on_the_port_that_it_insists_on(hook, standin, monkeypatch):
    monkeypatch.delenv("HTTPS_PROXY")  # its connection has the proxy
    assert hook.test_connection() == (True, "Connection successfully tested")
    assert standin.requests("/spark-versions")[-1]["auth"] == "oauth"
    assert standin.requests("/oidc/v1/token")


def test_the_deferred_hook_signs_in_with_oauth_too(client, monkeypatch, submit, standin):
    from airflow.providers.databricks.hooks.databricks import DatabricksHook

    run_id = submit("show")
    monkeypatch.delenv("HTTPS_PROXY")
    # What it trusts, aiohttp reads while it is imported, which may have been before there was a stand-in.
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", ssl.create_default_context())

    async def ask():
        async with DatabricksHook() as hook:
            return await hook.a_get_run_state(run_id)

    assert asyncio.run(ask()).life_cycle_state
    last = standin.requests("/runs/get")[-1]
    assert (last["status"], last["auth"]) == (200, "oauth")
    assert last["user_agent"].startswith("databricks-airflow/")


def test_the_hook_signs_in_with_a_personal_access_token(client, monkeypatch, standin):
    from airflow.providers.databricks.hooks.databricks import DatabricksHook

    monkeypatch.delenv("HTTPS_PROXY")
    assert DatabricksHook("with_token").test_connection()[0]
    assert standin.requests("/spark-versions")[-1]["auth"] == "pat"


def test_the_sdk_signs_in_with_oauth(client, standin):
    assert client.current_user.me().user_name == "nightly@example.com"
    assert standin.requests("/Me")[-1]["auth"] == "oauth"


def test_the_sdk_signs_in_with_a_token_and_without_the_proxy(client, standin, monkeypatch):
    from databricks.sdk import WorkspaceClient

    for name in ("HTTPS_PROXY", "DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    direct = WorkspaceClient(host=standin.direct_url, token=standin.token)
    assert direct.current_user.me().user_name == "nightly@example.com"
    assert standin.requests("/Me")[-1]["auth"] == "pat"


def test_wrong_credentials_are_refused_in_the_words_of_oauth(client, standin):
    from databricks.sdk import WorkspaceClient

    with pytest.raises(ValueError, match="invalid_client: Client authentication failed"):
        WorkspaceClient(client_id="somebody", client_secret="else").current_user.me()


@pytest.mark.parametrize(("headers", "status"), [({}, 401), ({"Authorization": "Bearer nonsense"}, 403)])
def test_no_call_without_a_token_in_force(standin, headers, status):
    answer = requests.get(
        f"{standin.direct_url}/api/2.2/jobs/runs/list",
        headers=headers,
        verify=standin.facts["ca_bundle"],
        timeout=10,
    )
    assert answer.status_code == status
    assert set(answer.json()) == {"error_code", "message"}


def test_the_controls_want_their_own_token(standin):
    answer = requests.get(
        f"{standin.direct_url}/_standin/runs",
        headers={"Authorization": f"Bearer {standin.token}"},
        verify=standin.facts["ca_bundle"],
        timeout=10,
    )
    assert answer.status_code == 403


def test_the_proxy_leads_nowhere_else(standin):
    proxies = {"https": standin.facts["proxy"]}
    with pytest.raises(requests.exceptions.ProxyError, match="403"):
        requests.get("https://example.com/", proxies=proxies, timeout=10)
