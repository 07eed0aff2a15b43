# syntax=docker/dockerfile:1
# inbrief in a container: non-root, works with a read-only root file system.
#   docker build -t inbrief .
#   docker run --rm -p 8000:8000 -e INBRIEF_ALLOW_OPEN=true inbrief
# TORCH_INDEX names an index with CPU-only builds of torch, which are a tenth of
# the size; DEVICE=cuda keeps the default build, which brings CUDA along.
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
ARG DEVICE=cpu
ARG TORCH_INDEX=
ARG EXTRAS=redis,otel
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/inbrief
ENV PATH=/opt/inbrief/bin:$PATH
WORKDIR /src
COPY requirements.lock ./
RUN if [ "$DEVICE" = cpu ] && [ -n "$TORCH_INDEX" ]; then \
        grep -E '^torch==' requirements.lock >torch.lock \
        && pip install --index-url "$TORCH_INDEX" --requirement torch.lock; \
    fi \
    && pip install --requirement requirements.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY models models
COPY service service
COPY eval eval
# What the extras need is pinned by the lock file.
# hadolint ignore=DL3013
RUN pip install ".[${EXTRAS}]" && python -m compileall -q /opt/inbrief/lib
# The native engine's kernels are compiled here, as there is no compiler where they run.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/* \
    && python -P -m models.networks.kernels.library

FROM python:${PYTHON} AS run
ARG DEVICE=cpu
RUN groupadd --system --gid 10001 inbrief \
    && useradd --system --uid 10001 --gid inbrief --home-dir /var/lib/inbrief inbrief \
    && install -d -o inbrief -g inbrief /var/lib/inbrief
COPY --from=build /opt/inbrief /opt/inbrief
ENV PATH=/opt/inbrief/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HUB_OFFLINE=1 \
    OMP_WAIT_POLICY=PASSIVE \
    HOME=/var/lib/inbrief \
    INBRIEF_HOST=0.0.0.0 \
    INBRIEF_PORT=8000 \
    INBRIEF_DATA_DIR=/var/lib/inbrief \
    INBRIEF_MODEL_CACHE_DIR=/var/lib/inbrief/models \
    INBRIEF_LOG_FORMAT=json \
    INBRIEF_DEVICE=${DEVICE}
USER 10001:10001
WORKDIR /var/lib/inbrief
VOLUME /var/lib/inbrief
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"INBRIEF_PORT\"]}/healthz', timeout=2)"]
ENTRYPOINT ["inbrief"]
CMD ["serve"]
