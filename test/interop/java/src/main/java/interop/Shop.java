package interop;

import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

/** A Spring Boot application that knows nothing of tracing; the starter does it all. */
@SpringBootApplication
@RestController
public class Shop {
  public static void main(String[] args) {
    SpringApplication.run(Shop.class, args);
  }

  @GetMapping("/stock/{item}")
  Map<String, Object> stock(@PathVariable("item") String item) {
    return Map.of("item", item, "left", item.length());
  }

  @GetMapping("/broken")
  String broken() {
    throw new IllegalStateException("nothing in stock");
  }
}
