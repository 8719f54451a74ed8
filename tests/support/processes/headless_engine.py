"""A headless engine in a process: start it, read its lines, wait for its exit."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from mexc_tui.model.endpoint import Endpoint


def environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
    return kept | {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "r")}


def write_endpoint(folder: Path, endpoint: Endpoint) -> Path:
    file = folder / "exchange.json"
    file.write_bytes(msgspec.json.encode(endpoint))
    return file


@asynccontextmanager
async def desk(folder: Path, *arguments: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Run the command in its own process, which ends with the block at the latest."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mexc_tui", *arguments),
        env=environment(folder),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def first_line(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async with asyncio.timeout(40):
        async for line in process.stderr:
            if b"WARNING" not in line:
                return line.decode()
    return ""


async def result_of(process: asyncio.subprocess.Process) -> tuple[int | None, str, list[str]]:
    async with asyncio.timeout(40):
        output, errors = await process.communicate()
    lines = errors.decode().splitlines()
    return process.returncode, output.decode(), [line for line in lines if " WARNING mexc_tui" not in line]
