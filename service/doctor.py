"""What a person who helps needs to know: machine, model, cache, Redis, disk, keys."""

from __future__ import annotations

import asyncio
import os
import platform
import resource
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal

from models import loading
from models.errors import InbriefError
from service.keys import KeyFile
from service.operation import open_file, require_guarded
from service.proxies import is_loopback_host
from service.redis_store import connect
from service.settings import Settings

Verdict = Literal["ok", "note", "fault"]

_PACKAGES: Final = ("inbrief", "torch", "transformers", "ctranslate2", "fastapi", "uvicorn")
# What makes matrix products on a CPU fast, as Linux names it.
_CPU_FLAGS: Final = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8")
_FEW_DESCRIPTORS: Final = 4096


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; a `fault` makes `inbrief doctor` end with status 1."""

    subject: str
    verdict: Verdict
    text: str


def examine(settings: Settings, *, load_model: bool = True) -> Iterator[Finding]:
    """Every finding, as soon as it is there; nothing is changed but the cache's own file."""
    checks: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
        ("packages", _packages),
        ("processor", _processor),
        ("accelerator", _accelerator),
        ("limits", _limits),
        ("disk", lambda: _disk(settings)),
        ("access", lambda: _access(settings)),
        ("cache", lambda: _cache(settings)),
    ]
    if load_model:
        checks.append(("model", lambda: _model(settings)))
    for subject, check in checks:
        try:
            yield from check()
        except InbriefError as error:
            yield Finding(subject, "fault", error.message)
        except Exception as error:  # a check that breaks is itself a finding
            yield Finding(subject, "fault", f"{type(error).__name__}: {error}")


def _packages() -> Iterator[Finding]:
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} not installed")
    python = f"Python {platform.python_version()} on {platform.system()} {platform.release()}"
    yield Finding("packages", "ok", f"{python}; {', '.join(found)}")


def _processor() -> Iterator[Finding]:
    flags: set[str] = set()
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "flags":
                flags = set(value.split())
            if name.strip() == "model name":
                model = value.strip()
    except OSError:
        yield Finding("processor", "note", "What the processor can do is not known here.")
        return
    able = [flag for flag in _CPU_FLAGS if flag in flags]
    cores = len(os.sched_getaffinity(0))
    text = f"{model}, {cores} cores, {loading.threads()} threads for the model, {' '.join(able)}"
    yield Finding("processor", "ok" if "avx2" in flags else "note", text)
    if "amx_bf16" not in flags and "avx512_bf16" not in flags:
        yield Finding("processor", "note", "No bfloat16 products: float32 or int8 will be chosen.")


def _accelerator() -> Iterator[Finding]:
    import torch

    if not torch.cuda.is_available():
        yield Finding("accelerator", "ok", "none; the model runs on the processor")
        return
    for index in range(torch.cuda.device_count()):
        memory = torch.cuda.get_device_properties(index).total_memory / 2**30
        name = torch.cuda.get_device_name(index)
        yield Finding("accelerator", "ok", f"cuda:{index} {name}, {memory:.0f} GiB")


def _limits() -> Iterator[Finding]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    verdict: Verdict = "ok" if hard == -1 or hard >= _FEW_DESCRIPTORS else "note"
    yield Finding("limits", verdict, f"{hard} open files and connections at most")
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    yield Finding("limits", "ok", f"{pages:.1f} GiB of memory")


def _disk(settings: Settings) -> Iterator[Finding]:
    directory = settings.data_path
    existing = next(one for one in (directory, *directory.parents) if one.exists())
    if not os.access(existing, os.W_OK):
        yield Finding("disk", "fault", f"{directory} cannot be written.")
        return
    free = shutil.disk_usage(existing).free
    needed = settings.cache_max_bytes if settings.cache_url == "sqlite" else 0
    text = f"{directory}: {free / 2**30:.1f} GiB free"
    yield Finding("disk", "ok" if free > needed else "fault", text)


def _access(settings: Settings) -> Iterator[Finding]:
    keys = KeyFile(settings.keys_path)
    count = len(keys.records())
    where = f"{settings.host}:{settings.port}"
    if count:
        yield Finding("access", "ok", f"{where}, {count} keys in {settings.keys_path}")
    else:
        open_to = "this machine" if is_loopback_host(settings.host) else "everybody"
        verdict: Verdict = "note" if open_to == "everybody" else "ok"
        yield Finding("access", verdict, f"{where}, no key is needed; open to {open_to}")
    require_guarded(settings, keys)
    for file in (settings.tls_certfile, settings.tls_keyfile):
        if file is not None and not os.access(file, os.R_OK):
            yield Finding("access", "fault", f"{file} cannot be read.")


def _cache(settings: Settings) -> Iterator[Finding]:
    if settings.cache_url == "off":
        yield Finding("cache", "note", "off")
    elif settings.cache_url == "sqlite":
        store = open_file(settings)
        try:
            wrong = store.check()
            entries, size = store.usage()
        finally:
            store.close()
        text = f"SQLite, {entries} summaries, {size / 2**20:.1f} MiB"
        yield Finding("cache", "fault" if wrong else "ok", "; ".join([text, *wrong]))
    for name, url in (("cache", settings.cache_url), ("rates", settings.shared_url or "")):
        if "://" in url:
            yield Finding(name, "ok", asyncio.run(_redis(url)))


async def _redis(url: str) -> str:
    client = connect(url, timeout_seconds=2.0)
    try:
        info = await client.info()
    finally:
        await client.aclose()
    row = info if "redis_version" in info else next(iter(info.values()))
    return f"Redis {row['redis_version']}, {row['used_memory_human']} in use"


def _model(settings: Settings) -> Iterator[Finding]:
    summariser = loading.load(
        settings.model,
        device=settings.device,
        engine=settings.engine,
        precision=settings.precision,
        cache_dir=settings.model_cache_dir,
    )
    info = summariser.info
    yield Finding(
        "model",
        "ok",
        f"{info.name} {info.revision}, {info.engine} {info.precision} on {info.device},"
        f" {info.parameters / 1e6:.1f} M parameters, {info.size_bytes / 2**20:.1f} MiB."
        f" {info.choice}",
    )
