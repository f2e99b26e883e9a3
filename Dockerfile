# syntax=docker/dockerfile:1.20
# One image for every service, the deployment step and the operators' commands; the command says which, for example
#   docker run causeway:0.1.0 node services/exchange/src/main.ts
# Node strips the types itself, so nothing is compiled.

FROM node:24.11.1-bookworm-slim AS dependencies
WORKDIR /causeway
# Only the manifests, so that a change of code does not install everything again.
COPY --parents package.json package-lock.json schemas/package.json infra/package.json services/*/package.json services/adapters/*/package.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  --workspace schemas --workspace services --workspace services/adapters --workspace infra

FROM node:24.11.1-bookworm-slim AS causeway
LABEL org.opencontainers.image.title="Causeway" org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production ADMIN_HOST=0.0.0.0 ADMIN_PORT=9464 NODE_COMPILE_CACHE=/tmp/compile-cache
WORKDIR /causeway
COPY --from=dependencies /causeway ./
COPY schemas schemas
COPY services services
COPY infra/common infra/common
COPY infra/deploy infra/deploy
COPY infra/operator infra/operator
# Where the console keeps checkpoints and the council puts its returns; a volume takes this owner over.
RUN mkdir /checkpoints /council-drop && chown 10001:10001 /checkpoints /council-drop
# Nothing below /causeway belongs to the user who runs it, so the file system can be mounted read-only.
USER 10001:10001
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "infra/deploy/healthy.ts"]
CMD ["node", "-e", "console.error('Name the service to run, such as: node services/exchange/src/main.ts'); process.exit(64)"]
