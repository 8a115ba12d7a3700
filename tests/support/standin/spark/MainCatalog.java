package standin;

import java.io.File;
import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.catalyst.analysis.NamespaceAlreadyExistsException;
import org.apache.spark.sql.catalyst.analysis.NoSuchNamespaceException;
import org.apache.spark.sql.catalyst.analysis.NonEmptyNamespaceException;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.delta.catalog.DeltaCatalog;
import org.apache.spark.sql.execution.datasources.v2.V2SessionCatalog;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * Three-level names on open-source Spark: the session's own tables under the name of a Unity Catalog.
 *
 * <p>A schema is also a folder below the option `folder`, where the stand-in's REST API makes and looks for
 * schemas and volumes, so that a schema made on one side is there on the other.
 */
public class MainCatalog extends DeltaCatalog {
  private String name;
  private File folder;

  @Override
  public void initialize(String name, CaseInsensitiveStringMap options) {
    super.initialize(name, options);
    this.name = name;
    this.folder = new File(options.get("folder"));
    // Spark hands its session catalog only to the catalog named spark_catalog.
    SparkSession session = (SparkSession) SparkSession.active();
    setDelegateCatalog(new V2SessionCatalog(session.sessionState().catalog()));
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String[][] listNamespaces() throws NoSuchNamespaceException {
    String[] folders = folder.list();
    for (String schema : folders == null ? new String[0] : folders) {
      adopt(new String[] {schema});
    }
    return super.listNamespaces();
  }

  @Override
  public boolean namespaceExists(String[] namespace) {
    adopt(namespace);
    return super.namespaceExists(namespace);
  }

  @Override
  public Map<String, String> loadNamespaceMetadata(String[] namespace) throws NoSuchNamespaceException {
    adopt(namespace);
    return super.loadNamespaceMetadata(namespace);
  }

  @Override
  public void createNamespace(String[] namespace, Map<String, String> metadata)
      throws NamespaceAlreadyExistsException {
    super.createNamespace(namespace, metadata);
    new File(folder, namespace[0]).mkdirs();
  }

  @Override
  public boolean dropNamespace(String[] namespace, boolean cascade)
      throws NoSuchNamespaceException, NonEmptyNamespaceException {
    boolean dropped = super.dropNamespace(namespace, cascade);
    // A schema that still holds volumes keeps its folder.
    new File(folder, namespace[0]).delete();
    return dropped;
  }

  private void adopt(String[] namespace) {
    if (namespace.length == 1
        && new File(folder, namespace[0]).isDirectory()
        && !super.namespaceExists(namespace)) {
      try {
        super.createNamespace(namespace, new HashMap<>());
      } catch (NamespaceAlreadyExistsException another_session_was_first) {
        return;
      }
    }
  }
}
