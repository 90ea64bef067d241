# syntax=docker/dockerfile:1
#
# The image for whoever has a container engine. `npm run image` makes the same without one, and
# test/unit/scripts/dockerfile.test.ts holds the two together; docs/adr/0012 says why there are two.
#
#   docker buildx build --platform linux/amd64,linux/arm64 --tag registry.example.com/kuik:0.1.0 --push .

ARG NODE_VERSION=24.21.0

# The bundle is JavaScript alone: one stage serves every architecture.
FROM --platform=$BUILDPLATFORM node:${NODE_VERSION}-bookworm-slim AS bundle
WORKDIR /opt/kuik
COPY package.json package-lock.json ./
# What npm ci installs is what the lock file's checksums say; no script of a package runs.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY src ./src
COPY scripts ./scripts
RUN node scripts/build.ts

FROM node:${NODE_VERSION}-bookworm-slim AS node

# The C library and what Node is linked with; no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/LICENSE /usr/share/doc/node/LICENSE
COPY --from=bundle /opt/kuik/dist /opt/kuik/dist
COPY LICENSE /opt/kuik/
# Its first line has the flags of Node (docs/adr/0007).
COPY --chmod=0755 scripts/image/kuik /usr/local/bin/kuik
ENV PATH=/usr/local/bin:/usr/bin:/bin NODE_ENV=production
# A number, so that `runAsNonRoot` can be checked; nothing in the image belongs to this user.
USER 65532:65532
WORKDIR /opt/kuik
ENTRYPOINT ["/usr/local/bin/kuik"]
CMD ["operator"]
