// SPDX-License-Identifier: PostgreSQL
// Runs the statements of a file on a Flink within this process, and waits.
import java.nio.file.*;
import org.apache.flink.configuration.*;
import org.apache.flink.table.api.*;
public class RunJob {
  public static void main(String[] a) throws Exception {
    Configuration c = new Configuration();
    c.setString("parallelism.default", "1");
    c.setString("execution.checkpointing.interval", "2 s");
    c.setString("taskmanager.numberOfTaskSlots", "1");
    c.setString("taskmanager.memory.managed.size", "1000mb");
    c.setString("taskmanager.memory.network.min", "256mb");
    c.setString("taskmanager.memory.network.max", "256mb");
    TableEnvironment t = TableEnvironment.create(EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(c).build());
    TableResult r = null;
    String sql = Files.readString(Path.of(a[0]));
    StringBuilder s = new StringBuilder();
    boolean set = false;
    for (String line : sql.split("\n")) {
      if (line.startsWith("--")) continue;
      s.append(line).append('\n');
      if (line.startsWith("EXECUTE STATEMENT SET")) set = true;
      if (set ? !line.equals("END;") : !line.endsWith(";")) continue;
      String one = s.toString().trim();
      s.setLength(0);
      if (one.startsWith("SET ")) { String[] p = one.split("'"); t.getConfig().set(p[1], p[3]); continue; }
      r = t.executeSql(one);
    }
    System.out.println("RUNNING"); System.out.flush();
    r.await();
  }
}
