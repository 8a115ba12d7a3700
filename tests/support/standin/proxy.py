"""A CONNECT proxy to one host: it lets clients reach the stand-in under a real-looking name on port 443.

The Airflow provider asks https://<host>/oidc/v1/token whatever port its connection has, and only root may listen
on 443. Both the provider (connection extra `proxies`) and the SDK (HTTPS_PROXY) can use a proxy.
"""

import asyncio


class Proxy:
    """Leads <host>:443 to a port of this machine, and nothing else to anywhere."""

    def __init__(self, host: str, port: int) -> None:
        self._target = f"{host}:443"
        self._port = port

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, *_ = head.split(b"\r\n")[0].decode("latin-1").split(" ")
            if method != "CONNECT" or target != self._target:
                writer.write(
                    b"HTTP/1.1 403 Only the stand-in\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
                await writer.drain()
                return
            onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            await asyncio.gather(_copy(reader, onward_writer), _copy(onward_reader, writer))
        except (
            OSError,
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
            asyncio.CancelledError,
            ValueError,
        ):
            pass
        finally:
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
