import { Kafka, logLevel, type Admin } from 'kafkajs';

/** Lets an administrator act on the brokers (`host:port`, separated by commas). */
export async function withAdmin<T>(brokers: string, act: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Kafka({ clientId: 'admin', brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin();
  try {
    await admin.connect();
    return await act(admin);
  } finally {
    await admin.disconnect();
  }
}
