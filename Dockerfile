# Two stages: the first builds drbot and lays down Terraform and a mirror of the
# providers, so that an apply on the day needs no registry; the second is what runs.

# Images by digest: a tag can be moved, a digest cannot. The tags beside them are for
# readers; docs/operate.md says how to go to newer ones.
FROM golang:1.26.4-bookworm@sha256:5d2b868674b57c9e48cdd39e891acce4196b6926ca6d11e9c270a8f85106203d AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# Nobody but root may read the programs: the kernel then hides their processes from the first
# instruction on.
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/ ./cmd/drbot ./cmd/drbot-launch ./cmd/drbot-switch \
 && chmod 0711 /out/drbot /out/drbot-launch

# The version drbot is tested with. hc-install holds HashiCorp's public key and takes only an
# archive whose digest stands in a list signed with it; it is itself what Go's checksum
# database knows of this version.
ARG TERRAFORM_VERSION=1.11.4
ARG TARGETARCH=amd64
RUN go run github.com/hashicorp/hc-install/cmd/hc-install@v0.10.0 install -version=${TERRAFORM_VERSION} -path=/out terraform
COPY deploy/providers.tf /tmp/mirror/providers.tf
RUN /out/terraform -chdir=/tmp/mirror providers mirror -platform=linux_${TARGETARCH} /out/providers

FROM debian:bookworm-slim@sha256:96e378d7e6531ac9a15ad505478fcc2e69f371b10f5cdf87857c4b8188404716
# Terraform plans as drbot-plan and applies as drbot-apply. drbot reads what they make by
# their groups; the one has the other's as well, for a state that is kept on the host.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates git libcap2-bin tzdata \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10001 drbot \
 && groupadd --system --gid 10002 drbot-plan \
 && groupadd --system --gid 10003 drbot-apply \
 && useradd --system --uid 10001 --gid 10001 --groups 10002,10003 --home-dir /var/lib/drbot drbot \
 && useradd --system --uid 10002 --gid 10002 --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin drbot-plan \
 && useradd --system --uid 10003 --gid 10003 --groups 10002 --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin drbot-apply \
 && install -d -m 0711 -o drbot -g drbot /var/lib/drbot /run/drbot
COPY --from=build /out/drbot /out/drbot-launch /out/drbot-switch /out/terraform /usr/local/bin/
COPY --from=build /out/providers /opt/terraform/providers
# Copying drops capabilities, and so does another owner: they come last, in this stage.
RUN printf 'caller 10001\nuser 10002\nuser 10003 10002\n' > /usr/local/bin/drbot-switch.conf \
 && chmod 0644 /usr/local/bin/drbot-switch.conf \
 && chown root:drbot /usr/local/bin/drbot-switch \
 && chmod 0750 /usr/local/bin/drbot-switch \
 && setcap cap_setuid,cap_setgid,cap_kill=ep /usr/local/bin/drbot-switch \
 && setcap -v cap_setuid,cap_setgid,cap_kill=ep /usr/local/bin/drbot-switch
# By number, as Kubernetes wants it (runAsNonRoot); its groups are found by it.
USER 10001
WORKDIR /var/lib/drbot
# The database of a run's memory; never a layer of the container.
VOLUME /var/lib/drbot
EXPOSE 8080
# SIGTERM lets the act in hand end: give the container time for it.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/drbot"]
CMD ["serve"]
