import { logLevel, type KafkaConfig } from 'kafkajs';

/** How Kafka is reached. Plain data, for the publishing thread gets a copy. */
export interface ClientOptions {
  readonly clientId: string;
  readonly brokers: readonly string[];
}

/** kafkajs's own settings, every one stated. What it logs is mostly of errors that it then heals. */
export function clientConfig({ clientId, brokers }: ClientOptions, onLog: (message: string) => void): KafkaConfig {
  return {
    clientId,
    brokers: [...brokers],
    connectionTimeout: 5_000,
    requestTimeout: 10_000,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 },
    logLevel: logLevel.WARN,
    logCreator: () => ({ namespace, log }) => onLog(`${namespace}: ${log.message}`),
  };
}
