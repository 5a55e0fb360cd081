package marstest;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.mars.Mars;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;

/** What is in the jar beside classes and libraries. */
class JarTest {
  @Test
  void theLicenceIsInTheJar() throws Exception {
    Path path = Path.of(Mars.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    try (JarFile jar = new JarFile(path.toFile())) {
      JarEntry entry = jar.getJarEntry("META-INF/LICENSE");
      assertNotNull(entry);
      try (InputStream in = jar.getInputStream(entry)) {
        assertArrayEquals(Files.readAllBytes(Path.of(System.getProperty("mars.test.licence"))), in.readAllBytes());
      }
    }
  }
}
