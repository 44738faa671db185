package interop;

import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;

/** A plain program on the JDK's own HTTP server and client; the javaagent sees both. It answers
 *  /outer by asking itself for /inner, and ends when its standard input does. */
public class Plain {
  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    HttpClient client = HttpClient.newHttpClient();
    String self = "http://127.0.0.1:" + server.getAddress().getPort();
    server.createContext("/inner", exchange -> answer(exchange, "inner"));
    server.createContext("/outer", exchange -> {
      HttpRequest request = HttpRequest.newBuilder(URI.create(self + "/inner")).build();
      try {
        answer(exchange, client.send(request, BodyHandlers.ofString()).body());
      } catch (InterruptedException stopped) {
        throw new java.io.IOException(stopped);
      }
    });
    server.setExecutor(java.util.concurrent.Executors.newFixedThreadPool(4));
    server.start();
    System.out.println("listening on " + self);
    while (System.in.read() >= 0) {}
    System.exit(0);
  }

  private static void answer(com.sun.net.httpserver.HttpExchange exchange, String text)
      throws java.io.IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(200, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }
}
