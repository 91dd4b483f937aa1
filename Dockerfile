# Two stages: the first builds drbot and lays down Terraform and a mirror of the
# providers, so that an apply on the day needs no registry; the second is what runs.

ARG GO_VERSION=1.26
ARG DEBIAN=bookworm

FROM golang:${GO_VERSION}-${DEBIAN} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# Nobody but root may read the programs: the kernel then hides their processes from the first
# instruction on.
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/ ./cmd/drbot ./cmd/drbot-launch \
 && chmod 0711 /out/drbot /out/drbot-launch

# The version drbot is tested with; the digest is that of the release's SHA256SUMS.
ARG TERRAFORM_VERSION=1.11.4
ARG TARGETARCH=amd64
RUN apt-get update \
 && apt-get install -y --no-install-recommends unzip \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /tmp/terraform
RUN base="https://releases.hashicorp.com/terraform/${TERRAFORM_VERSION}/terraform_${TERRAFORM_VERSION}" \
 && curl -fsSLO "${base}_linux_${TARGETARCH}.zip" \
 && curl -fsSLO "${base}_SHA256SUMS" \
 && sha256sum --ignore-missing --check "terraform_${TERRAFORM_VERSION}_SHA256SUMS" \
 && unzip -q "terraform_${TERRAFORM_VERSION}_linux_${TARGETARCH}.zip" terraform -d /out
COPY deploy/providers.tf /tmp/mirror/providers.tf
RUN /out/terraform -chdir=/tmp/mirror providers mirror -platform=linux_${TARGETARCH} /out/providers

FROM debian:${DEBIAN}-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates git tzdata \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /var/lib/drbot --create-home drbot \
 && install -d -o drbot -g drbot /run/drbot
COPY --from=build /out/drbot /out/drbot-launch /out/terraform /usr/local/bin/
COPY --from=build /out/providers /opt/terraform/providers
USER 10001
WORKDIR /var/lib/drbot
# The database of a run's memory; never a layer of the container.
VOLUME /var/lib/drbot
EXPOSE 8080
# SIGTERM lets the act in hand end: give the container time for it.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/drbot"]
CMD ["serve"]
