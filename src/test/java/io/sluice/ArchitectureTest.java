package io.sluice;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static java.util.function.Predicate.not;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import io.sluice.linux.NativeMemory;
import io.sluice.linux.Posix;
import io.sluice.mem.Memory;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Holds the directions between the rooms, and the fence around native code, as docs/architecture.md draws them. */
class ArchitectureTest {
    /** Each room, and the rooms that it may import. A room may only import what stands above it, so there are no cycles. */
    private static final String ROOMS = """
            linux      :
            uapi       :
            mem        : linux
            count      : mem
            state      : linux mem
            pci        : mem
            nvme       : mem
            dma        : linux mem
            poll       : linux mem count
            device     : dma pci mem linux
            vfio       : linux uapi mem dma device pci
            hostpci    : linux pci
            vfiouser   : linux mem dma device pci
            controller : nvme device dma pci mem linux poll count state
            storage    : nvme controller mem linux uapi poll
            host       : nvme device dma pci mem linux poll count state
            mediation  : controller host nvme device dma mem poll count
            volume     : nvme
            config     :
            control    : config
            daemon     : *
            bench      : host device nvme mem
            cli        : daemon bench host control config hostpci
            """;

    /** The product's classes only: the folder or jar that one of them comes from. */
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .importUrl(Memory.class.getProtectionDomain().getCodeSource().getLocation());

    private static Map<String, Set<String>> rooms() {
        Map<String, Set<String>> rooms = new LinkedHashMap<>();
        for (String line : ROOMS.lines().toList()) {
            String[] parts = line.split(":", 2);
            Set<String> allowed = Arrays.stream(parts[1].trim().split(" ", -1))
                    .filter(not(String::isEmpty))
                    .collect(Collectors.toSet());
            String room = parts[0].trim();
            rooms.put(room, allowed.contains("*") ? Set.copyOf(rooms.keySet()) : allowed);
        }
        return rooms;
    }

    /** The room that a class is in; empty for io.sluice itself and for everything foreign. */
    private static String roomOf(JavaClass javaClass) {
        String[] names = javaClass.getPackageName().split("\\.", -1);
        boolean ours = names.length > 2 && names[0].equals("io") && names[1].equals("sluice");
        return ours ? names[2] : "";
    }

    @Test
    void shouldImportOnlyWhatTheTableAllows() {
        Map<String, Set<String>> rooms = rooms();
        Set<String> wrong = new TreeSet<>();
        for (JavaClass javaClass : CLASSES) {
            String room = roomOf(javaClass);
            for (Dependency dependency : javaClass.getDirectDependenciesFromSelf()) {
                String target = roomOf(dependency.getTargetClass());
                Set<String> allowed = rooms.getOrDefault(room, Set.of());
                if (!target.isEmpty() && !target.equals(room) && !allowed.contains(target)) {
                    wrong.add(room + " may not import " + target + ": " + dependency.getDescription());
                }
            }
        }
        assertEquals("", String.join("\n", wrong));
    }

    @Test
    void shouldHaveNoRoomThatTheTableDoesNotKnow() {
        Set<String> unknown =
                CLASSES.stream().map(ArchitectureTest::roomOf).collect(Collectors.toCollection(TreeSet::new));
        assertTrue(unknown.contains("linux"), "the classes were not found");
        unknown.removeAll(rooms().keySet());
        assertEquals("", String.join(" ", unknown));
    }

    @Test
    void shouldHaveATableWithoutCycles() {
        Set<String> above = new TreeSet<>();
        rooms().forEach((room, allowed) -> {
            assertTrue(above.containsAll(allowed), room + " imports what stands below it: " + allowed);
            above.add(room);
        });
        assertEquals(23, above.size());
    }

    @Test
    void shouldSeeImportsWhenThereAreSome() {
        boolean found = CLASSES.get(Memory.class).getDirectDependenciesFromSelf().stream()
                .anyMatch(dependency -> roomOf(dependency.getTargetClass()).equals("linux"));
        assertTrue(found, "mem uses linux, but this test does not see it");
        assertFalse(rooms().get("linux").contains("mem"));
    }

    @Test
    void shouldKeepRestrictedMethodsBehindTheFence() {
        DescribedPredicate<JavaClass> foreign = assignableTo(MemorySegment.class);
        noClasses()
                .that()
                .resideOutsideOfPackage("io.sluice.linux..")
                .should()
                .callMethodWhere(target(owner(foreign)).and(target(nameMatching("reinterpret"))))
                .orShould()
                .dependOnClassesThat(assignableTo(Linker.class).or(assignableTo(SymbolLookup.class)))
                .orShould()
                .callMethodWhere(target(nameMatching("load|loadLibrary"))
                        .and(target(owner(assignableTo(System.class).or(assignableTo(Runtime.class))))))
                .because("native code is called in io.sluice.linux only")
                .check(CLASSES);
    }

    @Test
    void shouldSeeRestrictedMethodsWhereTheyAre() {
        boolean reinterprets = CLASSES.get(NativeMemory.class).getMethodCallsFromSelf().stream()
                .anyMatch(call -> target(owner(assignableTo(MemorySegment.class)))
                        .and(target(nameMatching("reinterpret")))
                        .test(call));
        boolean links = CLASSES.get("io.sluice.linux.Syscalls").getDirectDependenciesFromSelf().stream()
                .anyMatch(dependency -> dependency.getTargetClass().isAssignableTo(Linker.class));
        assertTrue(reinterprets && links, "the fence uses them, but this test does not see it");
    }

    @Test
    void shouldReachTheWholeAddressSpaceThroughMemOnly() {
        noClasses()
                .that()
                .resideOutsideOfPackages("io.sluice.linux..", "io.sluice.mem..")
                .should()
                .dependOnClassesThat()
                .areAssignableTo(NativeMemory.class)
                .because("raw addresses are read and written through io.sluice.mem.Memory")
                .check(CLASSES);
    }

    @Test
    void shouldUseJnrInOnePlaceOnly() {
        classes()
                .that()
                .resideInAPackage("io.sluice..")
                .and()
                .doNotBelongToAnyOf(Posix.class)
                .should()
                .onlyDependOnClassesThat(DescribedPredicate.not(resideInAPackage("jnr..")))
                .because("jnr loads slowly")
                .check(CLASSES);
    }

    @Test
    void shouldNotUseTheJdksInternals() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("sun.misc.Unsafe")
                .orShould()
                .dependOnClassesThat()
                .resideInAnyPackage("jdk.internal..", "sun.nio..")
                .because("they go away without notice")
                .check(CLASSES);
    }

    @Test
    void shouldSayWhatEachRoomIsFor() {
        List<String> silent = CLASSES.stream()
                .map(JavaClass::getPackageName)
                .distinct()
                .filter(name -> !hasPackageInfo(name))
                .sorted()
                .toList();
        assertEquals(List.of(), silent, "packages without package-info.java");
    }

    /** Without annotations a package-info leaves no class file: the source tells. */
    private static boolean hasPackageInfo(String packageName) {
        return Files.exists(Path.of("src/main/java", packageName.replace('.', '/'), "package-info.java"));
    }
}
