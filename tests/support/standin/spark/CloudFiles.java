package standin;

import java.util.Locale;
import java.util.Set;
import org.apache.spark.sql.SQLContext;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.execution.datasources.PartitionedFile;
import org.apache.spark.sql.execution.datasources.text.TextFileFormat;
import org.apache.spark.sql.execution.streaming.Source;
import org.apache.spark.sql.execution.streaming.runtime.FileStreamSource;
import org.apache.spark.sql.sources.Filter;
import org.apache.spark.sql.sources.StreamSourceProvider;
import org.apache.spark.sql.types.StructType;
import org.apache.hadoop.conf.Configuration;
import scala.Function1;
import scala.Option;
import scala.Tuple2;
import scala.collection.Iterator;
import scala.collection.immutable.Map;
import scala.collection.immutable.Nil$;
import scala.collection.immutable.Seq;

/**
 * The part of Auto Loader that jobs use, on Spark's own file stream: text files, schema given, each file once.
 *
 * <p>It is a file format only so that Spark offers `_metadata`; rows are read by the plain text format.
 */
public class CloudFiles extends TextFileFormat implements StreamSourceProvider {
  // docs.databricks.com/ingestion/cloud-object-storage/auto-loader/options: common options, directory listing.
  private static final Set<String> DOCUMENTED =
      Set.of(
          "allowoverwrites", "backfillinterval", "cleansource", "cleansource.movedestination",
          "cleansource.retentionduration", "format", "includeexistingfiles", "infercolumntypes",
          "maxbytespertrigger", "maxfileage", "maxfilespertrigger", "partitioncolumns",
          "schemaevolutionmode", "schemahints", "schemalocation", "usemanagedfileevents",
          "usenotifications", "usestrictglobber", "validateoptions");

  @Override
  public String shortName() {
    return "cloudFiles";
  }

  @Override
  public Tuple2<String, StructType> sourceSchema(
      SQLContext context, Option<StructType> schema, String provider, Map<String, String> options) {
    check(options);
    if (schema.isEmpty()) {
      throw new IllegalArgumentException(
          "The stand-in's cloudFiles source infers no schema; give one with .schema(...)");
    }
    return new Tuple2<>("CloudFilesSource[" + path(options) + "]", schema.get());
  }

  @Override
  public Source createSource(
      SQLContext context,
      String metadataPath,
      Option<StructType> schema,
      String provider,
      Map<String, String> options) {
    check(options);
    return new FileStreamSource(
        (SparkSession) context.sparkSession(),
        path(options),
        TextFileFormat.class.getName(),
        schema.get(),
        partitionColumns(),
        metadataPath,
        // Auto Loader forgets no file unless it is told to; Spark's own stream does after a week.
        options.updated("maxFileAge", Long.MAX_VALUE + "ms"));
  }

  @Override
  public Function1<PartitionedFile, Iterator<InternalRow>> buildReader(
      org.apache.spark.sql.SparkSession session,
      StructType dataSchema,
      StructType partitionSchema,
      StructType requiredSchema,
      Seq<Filter> filters,
      Map<String, String> options,
      Configuration hadoop) {
    throw new UnsupportedOperationException("The cloudFiles source supports only streaming reads (readStream)");
  }

  @SuppressWarnings("unchecked")
  private static Seq<String> partitionColumns() {
    return (Seq<String>) (Seq<?>) Nil$.MODULE$;
  }

  private static String path(Map<String, String> options) {
    Option<String> path = options.get("path");
    if (path.isEmpty()) {
      throw new IllegalArgumentException("'path' is not specified");
    }
    return path.get();
  }

  private static void check(Map<String, String> options) {
    String format = null;
    Iterator<Tuple2<String, String>> pairs = options.iterator();
    while (pairs.hasNext()) {
      Tuple2<String, String> option = pairs.next();
      String key = option._1().toLowerCase(Locale.ROOT);
      if (!key.startsWith("cloudfiles.")) {
        continue;
      }
      String name = key.substring("cloudfiles.".length());
      if (!DOCUMENTED.contains(name)) {
        throw new IllegalArgumentException("CF_UNKNOWN_OPTION_KEYS_ERROR: Found unknown option key: " + option._1());
      }
      if (name.equals("format")) {
        format = option._2();
      }
    }
    if (!"text".equals(format)) {
      throw new IllegalArgumentException(
          "The stand-in's cloudFiles source reads cloudFiles.format=text only, not " + format);
    }
  }
}
