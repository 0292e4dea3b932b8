import { z } from "zod";

/**
 * What the manifests of `examples/deploy` may say, by the API reference of
 * Kubernetes: every field that they use, and no other, so that a misspelt one is
 * found. A field that is new there is new here.
 */
const text = z.string().min(1);
const name = z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
const count = z.number().int().nonnegative();
const texts = z.record(z.string(), z.string());
const portNumber = z.number().int().min(1).max(65_535);
const portRef = z.union([portNumber, name]);
const quantity = z.string().regex(/^\d+(\.\d+)?(m|Ki|Mi|Gi)?$/);
const labelSelector = z.strictObject({ matchLabels: texts });
const metadata = z.strictObject({ name, labels: texts.optional() });

const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string().startsWith("/"), port: portRef }),
  initialDelaySeconds: count.optional(),
  periodSeconds: count.optional(),
  timeoutSeconds: count.optional(),
  failureThreshold: count.optional(),
});

const container = z.strictObject({
  name,
  image: text,
  ports: z.array(z.strictObject({ name, containerPort: portNumber })),
  env: z.array(z.union([
    z.strictObject({ name: text, value: z.string() }),
    z.strictObject({
      name: text,
      valueFrom: z.strictObject({
        secretKeyRef: z.strictObject({ name, key: text }),
      }),
    }),
  ])),
  startupProbe: probe,
  readinessProbe: probe,
  livenessProbe: probe,
  lifecycle: z.strictObject({
    preStop: z.strictObject({ sleep: z.strictObject({ seconds: count }) }),
  }),
  resources: z.strictObject({
    requests: z.strictObject({ cpu: quantity, memory: quantity }),
    limits: z.strictObject({ memory: quantity }),
  }),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.boolean(),
    readOnlyRootFilesystem: z.boolean(),
    capabilities: z.strictObject({ drop: z.array(text) }),
  }),
});

const podSpec = z.strictObject({
  terminationGracePeriodSeconds: count,
  securityContext: z.strictObject({
    runAsNonRoot: z.boolean(),
    runAsUser: count,
    seccompProfile: z.strictObject({
      type: z.enum(["RuntimeDefault", "Localhost", "Unconfined"]),
    }),
  }),
  topologySpreadConstraints: z.array(z.strictObject({
    maxSkew: count,
    topologyKey: text,
    whenUnsatisfiable: z.enum(["ScheduleAnyway", "DoNotSchedule"]),
    labelSelector,
  })),
  containers: z.array(container).length(1),
});

const deployment = z.strictObject({
  apiVersion: z.literal("apps/v1"),
  kind: z.literal("Deployment"),
  metadata,
  spec: z.strictObject({
    strategy: z.strictObject({
      type: z.literal("RollingUpdate"),
      rollingUpdate: z.strictObject({ maxUnavailable: count, maxSurge: count }),
    }),
    selector: labelSelector,
    template: z.strictObject({
      metadata: z.strictObject({ labels: texts, annotations: texts }),
      spec: podSpec,
    }),
  }),
});

const service = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Service"),
  metadata,
  spec: z.strictObject({
    selector: texts,
    ports: z.array(
      z.strictObject({ name, port: portNumber, targetPort: portRef }),
    ),
  }),
});

const budget = z.strictObject({
  apiVersion: z.literal("policy/v1"),
  kind: z.literal("PodDisruptionBudget"),
  metadata,
  spec: z.strictObject({ maxUnavailable: count, selector: labelSelector }),
});

const scaledBy = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("Pods"),
    pods: z.strictObject({
      metric: z.strictObject({ name: text }),
      target: z.strictObject({
        type: z.literal("AverageValue"),
        averageValue: quantity,
      }),
    }),
  }),
  z.strictObject({
    type: z.literal("Resource"),
    resource: z.strictObject({
      name: z.enum(["cpu", "memory"]),
      target: z.strictObject({
        type: z.literal("Utilization"),
        averageUtilization: count,
      }),
    }),
  }),
]);

const autoscaler = z.strictObject({
  apiVersion: z.literal("autoscaling/v2"),
  kind: z.literal("HorizontalPodAutoscaler"),
  metadata,
  spec: z.strictObject({
    scaleTargetRef: z.strictObject({
      apiVersion: z.literal("apps/v1"),
      kind: z.literal("Deployment"),
      name,
    }),
    minReplicas: count,
    maxReplicas: count,
    metrics: z.array(scaledBy),
    behavior: z.strictObject({
      scaleDown: z.strictObject({ stabilizationWindowSeconds: count }),
    }),
  }),
});

/** The manifests of one file, in their order. */
export const manifests = z.tuple([deployment, service, budget, autoscaler]);
