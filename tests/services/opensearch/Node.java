import java.nio.file.Path;
import org.codelibs.opensearch.runner.OpenSearchRunner;

/** One OpenSearch node with the k-NN plug-in, on loopback only, until its process is told to stop. */
public class Node {
    public static void main(String[] arguments) throws Exception {
        String port = arguments[0];
        String transport = arguments[1];
        Path folder = Path.of(arguments[2]);

        OpenSearchRunner runner = new OpenSearchRunner();
        runner.onBuild((number, settings) -> {
            settings.put("network.host", "127.0.0.1");
            settings.put("http.port", port);
            settings.put("transport.port", transport);
            settings.put("discovery.type", "single-node");
            settings.put("cluster.routing.allocation.disk.threshold_enabled", "false");
            settings.putList("node.roles", "cluster_manager", "data", "ingest");
        });
        runner.build(OpenSearchRunner.newConfigs()
                .basePath(folder.toString())
                .clusterName("footnote")
                .numOfNode(1)
                .pluginTypes("org.opensearch.knn.plugin.KNNPlugin"));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                runner.close();
            } catch (Exception error) {
                error.printStackTrace();
            }
        }));
        Thread.currentThread().join();
    }
}
