import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { type Environment, loadConfig, type Shape, serviceSettings } from '@causeway/runtime/service/config';
import { assertSettings, settingsOf } from '@causeway/testing/service-settings';
import * as strimzi from '@kubernetes-models/strimzi-kafka-operator/kafka.strimzi.io/v1';
import * as apps from 'kubernetes-models/apps/v1';
import * as autoscaling from 'kubernetes-models/autoscaling/v2';
import * as batch from 'kubernetes-models/batch/v1';
import * as networking from 'kubernetes-models/networking.k8s.io/v1';
import * as policy from 'kubernetes-models/policy/v1';
import * as core from 'kubernetes-models/v1';
import { parseAllDocuments } from 'yaml';
import { findServices } from '../common/service-manifests.ts';
import { generated } from './generate.ts';

type Manifest = { apiVersion: string; kind: string; metadata: { name: string } } & Record<string, unknown>;
type EnvironmentVariable = {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef?: { name: string; key: string; optional?: boolean } };
};
type Source = { name: string; optional?: boolean };
type Container = {
  image: string;
  command: string[];
  env: EnvironmentVariable[];
  envFrom: { configMapRef?: Source; secretRef?: Source }[];
  volumeMounts: { name: string; mountPath: string }[];
  ports?: { name: string; containerPort: number }[];
  livenessProbe?: object;
  readinessProbe?: object;
  securityContext: {
    readOnlyRootFilesystem: boolean;
    allowPrivilegeEscalation: boolean;
    capabilities: { drop: string[] };
  };
};
type Pod = {
  containers: Container[];
  volumes: { name: string; persistentVolumeClaim?: { claimName: string } }[];
  securityContext: { runAsNonRoot: boolean };
  automountServiceAccountToken: boolean;
};
type Deployment = Manifest & {
  spec: { replicas: number; template: { metadata: { labels: Record<string, string> }; spec: Pod } };
};
type Selector = {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: 'In'; values: string[] }[];
};
type Rule = { ports: { port: number }[] };
type Policy = Manifest & { spec: { podSelector: Selector; ingress?: Rule[]; egress?: Rule[] } };

const base = join(import.meta.dirname, 'base');
const read = (file: string) =>
  parseAllDocuments(readFileSync(join(base, file), 'utf8')).map((document) => document.toJS() as Manifest);
const kustomization = read('kustomization.yaml')[0] as Manifest & { resources: string[] };
const manifests = kustomization.resources.flatMap(read);
const ofKind = <T extends Manifest>(kind: string) => manifests.filter((one) => one.kind === kind) as T[];

type Model = new (data: never) => { validate(): void };
const MODELS: Record<string, object> = {
  'kafka.strimzi.io/v1': strimzi,
  'apps/v1': apps,
  'autoscaling/v2': autoscaling,
  'batch/v1': batch,
  'networking.k8s.io/v1': networking,
  'policy/v1': policy,
  v1: core,
};

test('topics, log-ins, rights and the partnership are those that the code declares', () => {
  for (const [name, content] of Object.entries(generated()))
    assert.equal(
      readFileSync(join(base, name), 'utf8'),
      content,
      `run node infra/kubernetes/generate.ts: ${name}`,
    );
});

test('every file is part of the base, and every resource has a name of its own', () => {
  const files = globSync('*.yaml', { cwd: base }).map((path) => basename(path));
  assert.deepEqual(
    kustomization.resources.toSorted(),
    files.filter((name) => name !== 'kustomization.yaml').sort(),
  );
  const names = manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  assert.equal(new Set(names).size, names.length);
});

test('every resource is what Kubernetes and the Kafka operator accept', () => {
  for (const manifest of manifests) {
    const models = MODELS[manifest.apiVersion] as Record<string, Model> | undefined;
    const model = models?.[manifest.kind];
    assert.ok(model, `${manifest.apiVersion} ${manifest.kind} is not known`);
    new model(manifest as never).validate();
  }
});

test('every service is deployed, may not write or gain rights, and accepts its settings in production', async () => {
  const settings = ofKind<Manifest & { data: Environment }>('ConfigMap').find(
    ({ metadata }) => metadata.name === 'causeway-settings',
  );
  const deployments = ofKind<Deployment>('Deployment');
  for (const service of findServices()) {
    const deployment = deployments.find(({ metadata }) => metadata.name === service.name);
    // An adapter is deployed where its organisation wants it; a new one needs no line here.
    if (!deployment && service.organisation) continue;
    assert.ok(deployment, `${service.name} has no deployment`);
    const { containers, securityContext, automountServiceAccountToken } = deployment.spec.template.spec;
    const [container] = containers;
    assert.ok(container?.livenessProbe && container.readinessProbe, service.name);
    assert.equal(securityContext.runAsNonRoot, true);
    assert.equal(automountServiceAccountToken, false);
    const { readOnlyRootFilesystem, allowPrivilegeEscalation, capabilities } = container.securityContext;
    assert.deepEqual(
      [readOnlyRootFilesystem, allowPrivilegeEscalation, capabilities.drop],
      [true, false, ['ALL']],
    );
    const environment = { ...settings?.data, ...environmentOf(container) };
    const shape: Shape = { ...(await settingsOf(service)), ...serviceSettings };
    loadConfig(shape, environment);
    if (service.port)
      assert.ok(
        container.ports?.some(
          ({ containerPort }) => String(containerPort) === environment[service.port?.variable ?? ''],
        ),
        `${service.name}: ${service.port.variable}`,
      );
  }
});

test('every setting of a service can be given, and none is misspelt', async () => {
  const [common] = ofKind<Manifest & { data: Environment }>('ConfigMap').filter(
    ({ metadata }) => metadata.name === 'causeway-settings',
  );
  const deployments = ofKind<Deployment>('Deployment');
  const described = findServices().flatMap((service) => {
    const { spec } = deployments.find(({ metadata }) => metadata.name === service.name) ?? {};
    const [container] = spec?.template.spec.containers ?? [];
    return container ? [{ service, container }] : [];
  });
  await assertSettings(
    described.map(({ service, container }) => ({
      service,
      environment: { ...common?.data, ...environmentOf(container) },
    })),
  );
  for (const { service, container } of described) {
    assert.deepEqual(container.envFrom, [
      { configMapRef: { name: 'causeway-settings' } },
      { configMapRef: { name: `${service.name}-settings`, optional: true } },
      { secretRef: { name: `${service.name}-settings`, optional: true } },
    ]);
    for (const { name, valueFrom } of container.env)
      if (name.endsWith('_PREVIOUS')) assert.equal(valueFrom?.secretKeyRef?.optional, true, name);
  }
});

test('whatever a service serves on, what it keeps and what it connects to is let through to it', () => {
  const claims = ofKind('PersistentVolumeClaim').map(({ metadata }) => metadata.name);
  const policies = ofKind<Policy>('NetworkPolicy');
  for (const { metadata, spec } of ofKind<Deployment>('Deployment')) {
    const { labels } = spec.template.metadata;
    const mine = policies.filter(({ spec: { podSelector } }) => selects(podSelector, labels));
    const ports = (rules: Rule[] = []) => rules.flatMap((rule) => rule.ports.map(({ port }) => port));
    const entering = mine.flatMap((policy) => ports(policy.spec.ingress));
    const leaving = mine.flatMap((policy) => ports(policy.spec.egress));
    const { containers, volumes } = spec.template.spec;
    for (const { env, ports: served = [], volumeMounts } of containers) {
      for (const { containerPort } of served)
        assert.ok(entering.includes(containerPort), `${metadata.name}: nothing reaches ${containerPort}`);
      const given = (name: string) => env.some((one) => one.name === name);
      const wanted = [9_092, 443, ...(given('DATABASE_URL') ? [5_432] : [])];
      if (given('NHS_TRUST_ENGINE_HOST')) wanted.push(2_576);
      assert.deepEqual(
        wanted.filter((port) => !leaving.includes(port)),
        [],
        `${metadata.name} cannot connect`,
      );
      for (const { name } of volumeMounts) {
        const volume = volumes.find((one) => one.name === name);
        assert.ok(volume, `${metadata.name}: ${name}`);
        const claim = volume.persistentVolumeClaim?.claimName;
        assert.ok(claim === undefined || claims.includes(claim), `${metadata.name}: ${claim}`);
      }
    }
  }
});

test('what has several instances survives a node that is drained', () => {
  const budgets = ofKind('PodDisruptionBudget').map(({ metadata }) => metadata.name);
  for (const { metadata, spec } of ofKind<Deployment>('Deployment'))
    if (spec.replicas > 1) assert.ok(budgets.includes(metadata.name), metadata.name);
});

const selects = ({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Record<string, string>) =>
  Object.entries(matchLabels).every(([name, value]) => labels[name] === value) &&
  matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''));

/** A secret has some long value; it is there in the cluster, not here. */
const environmentOf = ({ env }: Container): Environment =>
  Object.fromEntries(
    env.map(({ name, value }) => [
      name,
      value ??
        (name.endsWith('_URL')
          ? 'postgresql://secret.example/causeway'
          : 'q7Jx-0mZtE4vPn2Lr8WbGd6Kc1Ys9Ha5Uf3Io'),
    ]),
  );
