# The Python that compiles must be the Python that runs: compiled extensions and bytecode fit one
# minor version. Distroless on Debian 13 has 3.13, so both stages are Debian 13 with Python 3.13.
# Tags, since no digest stays right for long by itself: the release looks up what the tags mean on
# its day, builds from those digests, and signs which they were.
ARG BUILD_IMAGE=docker.io/library/python:3.13-slim-trixie
ARG BASE_IMAGE=gcr.io/distroless/python3-debian13:nonroot

# On the machine that builds, for whichever machine the image is: nothing is emulated.
FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS build

ARG TARGETARCH
WORKDIR /app
COPY requirements.txt .
# Wheels only, hence also those of another machine: nothing is compiled here, and no package runs code
# of its own while it is installed.
RUN case "$TARGETARCH" in \
        amd64) machine=x86_64 ;; \
        arm64) machine=aarch64 ;; \
        *) echo "no wheels for machine '$TARGETARCH'" >&2; exit 64 ;; \
    esac \
    && pip install --no-cache-dir --no-compile --disable-pip-version-check --root-user-action=ignore \
        --require-hashes --only-binary :all: --platform "manylinux_2_28_$machine" \
        --platform "manylinux_2_17_$machine" --platform "manylinux2014_$machine" \
        --target . -r requirements.txt
COPY . .
# Bytecode that is never checked against its source, whose times a registry or a mirror may change;
# without it every start, each probe's too, would compile everything anew.
RUN python -m compileall -q --invalidation-mode unchecked-hash .

# The digest of a release is in BASE_IMAGE.
# hadolint ignore=DL3006
FROM ${BASE_IMAGE}

ARG VERSION=dev
ARG REVISION=unknown
ARG SOURCE=unknown
ARG BASE_IMAGE
LABEL org.opencontainers.image.title="ModelProvisioner" \
      org.opencontainers.image.description="Keeps a LiteLLM proxy in step with what local LLM backends serve" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE_IMAGE}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

COPY --from=build /app /app
# PYTHONPATH, so that `python3 -m engine` also works for probes and for `kubectl exec`. The image
# runs with a read-only root: only what --heartbeat and --artifacts name is ever written. With one
# arena, memory that the threads which read lists give back serves the rest of the cycle. With a fixed
# threshold, large blocks go back to the system: else it rises by itself, and the heap fragments.
# The log is text for a person at a terminal (docker run -it), and JSON lines for a collector.
ENV PYTHONPATH=/app \
    MODELPROVISIONER_LOG_FORMAT=auto \
    MALLOC_ARENA_MAX=1 \
    MALLOC_MMAP_THRESHOLD_=1048576 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app
# By number, since Kubernetes cannot tell from a name whether it is root.
USER 65532:65532
# For Docker and Compose; Kubernetes has probes of its own. A loop that waits after failures is alive.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python3", "-m", "engine", "alive", "--heartbeat", "/tmp/heartbeat", "--max-age", "600"]
ENTRYPOINT ["python3", "-m", "engine"]
CMD ["run", "--heartbeat", "/tmp/heartbeat"]
