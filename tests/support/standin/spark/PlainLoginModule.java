package kafkashaded.org.apache.kafka.common.security.plain;

/** Kafka's own, under the name that it has on Databricks. */
public class PlainLoginModule extends org.apache.kafka.common.security.plain.PlainLoginModule {}
