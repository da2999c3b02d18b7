import com.amazonaws.services.dynamodbv2.local.main.ServerRunner;
import com.amazonaws.services.dynamodbv2.local.server.DynamoDBProxyServer;
import java.lang.reflect.Field;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/** DynamoDB Local on loopback only. Its own main class has no such option and listens on every address. */
public class Loopback {
    public static void main(String[] arguments) throws Exception {
        DynamoDBProxyServer proxy = ServerRunner.createServerFromCommandLineArgs(arguments);
        Field inside = DynamoDBProxyServer.class.getDeclaredField("server");
        inside.setAccessible(true);
        Connector[] connectors = ((Server) inside.get(proxy)).getConnectors();
        if (connectors.length == 0) {
            throw new IllegalStateException("There is no connector to bind to loopback, so it is not started.");
        }
        for (Connector connector : connectors) {
            ((ServerConnector) connector).setHost("127.0.0.1");
        }
        proxy.start();
        proxy.join();
    }
}
