"""Starts a stand-in for a Databricks workspace: `python -m tests.support.standin --root FOLDER`.

Runs in the Airflow environment, from the project's root. Where it listens and what clients need is in
FOLDER/standin.json, which appears when it is ready. SIGTERM ends it and everything it started.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import uvicorn

from tests.support.project import PROJECT
from tests.support.standin.certificates import make_certificates
from tests.support.standin.clusters import Clusters
from tests.support.standin.environments import Environments
from tests.support.standin.faults import Faults
from tests.support.standin.proxy import Proxy
from tests.support.standin.runs import Runs
from tests.support.standin.settings import Settings
from tests.support.standin.spark_server import SparkServer
from tests.support.standin.start import RUNNING_SPARK
from tests.support.standin.statements import Statements
from tests.support.standin.workspace import make_app


def main() -> None:
    """Serve until a signal ends it."""
    arguments = parse()
    # uvicorn ends on a signal and then raises it again, which must not end this process before its children.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    asyncio.run(serve(arguments))


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.standin", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder of everything the workspace keeps")
    parser.add_argument("--port", type=int, default=0, help="of HTTPS on 127.0.0.1; default: a free one")
    parser.add_argument("--proxy-port", type=int, default=0, help="of the CONNECT proxy; default: a free one")
    parser.add_argument("--host", default="standin.cloud.databricks.test", help="name of the workspace")
    parser.add_argument("--catalog", default="main", help="the Unity Catalog")
    parser.add_argument("--cluster", action="append", default=[], metavar="JSON", help='{"cluster_id": …}')
    parser.add_argument("--token-lifetime", type=int, default=3600, help="of OAuth tokens, in seconds")
    parser.add_argument("--spark-python", type=Path, default=PROJECT / ".venv" / "spark" / "bin" / "python")
    parser.add_argument(
        "--spark-conf", action="append", default=[], metavar="KEY=VALUE", help="of its server"
    )
    parser.add_argument("--spark-java-options", default="", help="of its JVM")
    parser.add_argument("--spark-memory", default="2g", help="of the Spark server's driver")
    parser.add_argument(
        "--spark-on-request", action="store_true", help="runs do not start it, their tests do"
    )
    parser.add_argument("--uv", type=Path, default=PROJECT / ".venv" / "tools" / "bin" / "uv")
    parser.add_argument("--end-with-stdin", action="store_true", help="end when standard input closes")
    return parser.parse_args(argv)


async def serve(
    arguments: argparse.Namespace, started: Callable[[uvicorn.Server], object] = lambda _: None
) -> None:
    """Serve until the server that `started` is given exits."""
    root = arguments.root.resolve()
    for name in ("runs", "environments", f"Volumes/{arguments.catalog}"):
        (root / name).mkdir(parents=True, exist_ok=True)
    settings = Settings(root, arguments.host, arguments.catalog, arguments.token_lifetime)
    spark = SparkServer(
        root,
        arguments.catalog,
        arguments.spark_python,
        arguments.spark_memory,
        arguments.spark_java_options,
        arguments.spark_conf,
        os.environ.get(RUNNING_SPARK, ""),
    )
    faults = Faults()
    environments = Environments(root / "environments", root / "Volumes", arguments.uv)
    remote = spark.address if arguments.spark_on_request else spark.remote
    runs = Runs(root / "runs", environments, faults, remote)
    statements = Statements(arguments.spark_python, spark.remote)
    app = make_app(settings, runs, faults, Clusters(arguments.cluster), spark.remote, statements)
    certificate, key, bundle = make_certificates(root / "certificates", arguments.host)
    listening = socket.create_server(("127.0.0.1", arguments.port))
    port = listening.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
    proxy = await asyncio.start_server(Proxy(arguments.host, port).serve, "127.0.0.1", arguments.proxy_port)
    proxy_port = proxy.sockets[0].getsockname()[1]
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.02)
    _write_facts(root / "standin.json", settings, port, proxy_port, bundle)
    started(server)
    if arguments.end_with_stdin:
        threading.Thread(target=_end_with_stdin, args=(server,), daemon=True).start()
    try:
        await serving
    finally:
        runs.close()
        statements.close()
        spark.stop()


def _end_with_stdin(server: uvicorn.Server) -> None:
    # Not sys.stdin: a thread that waits in its lock crashes the interpreter at its end.
    while os.read(0, 1024):
        pass
    server.should_exit = True


def _write_facts(file: Path, settings: Settings, port: int, proxy_port: int, bundle: Path) -> None:
    proxy = f"http://127.0.0.1:{proxy_port}"
    trust = {"REQUESTS_CA_BUNDLE": str(bundle), "SSL_CERT_FILE": str(bundle)}
    facts = {
        "url": f"https://{settings.host}",
        "direct_url": f"https://localhost:{port}",
        "host": settings.host,
        "port": port,
        "proxy": proxy,
        "token": settings.token,
        "client_id": settings.client_id,
        "client_secret": settings.client_secret,
        "control_token": settings.control_token,
        "ca_bundle": str(bundle),
        "volumes": str(settings.root / "Volumes"),
        "pid": os.getpid(),
        "environment": trust,
        "sdk_environment": {
            **trust,
            "DATABRICKS_HOST": f"https://{settings.host}",
            "DATABRICKS_CLIENT_ID": settings.client_id,
            "DATABRICKS_CLIENT_SECRET": settings.client_secret,
            "HTTPS_PROXY": proxy,
            "NO_PROXY": "localhost,127.0.0.1",
        },
        "connections": {
            "oauth": {
                "conn_type": "databricks",
                "host": settings.host,
                "login": settings.client_id,
                "password": settings.client_secret,
                "extra": {"service_principal_oauth": True, "proxies": {"https": proxy}},
            },
            "token": {
                "conn_type": "databricks",
                "host": settings.host,
                "password": settings.token,
                "extra": {"proxies": {"https": proxy}},
            },
        },
    }
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_text(json.dumps(facts, indent=2))
    part.replace(file)


if __name__ == "__main__":
    main()
